package explain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rowcall/api/problem"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// explainTopics says which rules are for the event's topic and for those above it. It returns the topics that can be followed,
// whose followers receive the event.
func (q *question) explainTopics() []topic.Topic {
	covering := q.Topics.Covering(q.event.Topic)
	for _, t := range covering {
		source, path, _ := q.Topics.Source(t)
		q.tell("topic", yes(), "%s is listed: %s, %s, allow: %s", t, path, source.Topic, allowed(source.Allow))
	}
	if len(covering) > 0 {
		return covering
	}
	switch _, err := topic.Parse(string(q.event.Topic)); {
	case err != nil:
		q.tell("topic", no(), "nobody can follow %.100q, or a topic above it that is listed: %s", q.event.Topic, err)
	case q.Topics.Spell(q.event.Topic) != q.event.Topic:
		q.tell("topic", no(), "nobody can follow %s: followers spell it %s", q.event.Topic, q.Topics.Spell(q.event.Topic))
	default:
		q.tell("topic", no(), "no rule of the configuration is for %s or a topic above it: it does not exist for clients", q.event.Topic)
	}
	return nil
}

func allowed(a rules.Allow) string {
	if a == "" {
		return string(rules.AllowStaff)
	}
	return string(a)
}

// explainAccess asks access to the topics as a node does, and says whether the user has the event's role.
func (q *question) explainAccess(ctx context.Context, covering []topic.Topic) error {
	var asked []notifier.Question
	for _, t := range covering {
		asked = append(asked, notifier.Question{Topic: t, Follower: q.who.Follower()})
	}
	grants, err := q.Topics.Ask(ctx, asked)
	if err != nil {
		return err
	}
	for i, g := range grants {
		if source, _, _ := q.Topics.Source(covering[i]); source.NamesClaims() {
			q.tell("access", nil, "explain knows no token of the user, so it asks access to %s with @claims empty: with a token the answer may be another", covering[i])
		}
		if g.Err != nil {
			q.tell("access", no(), "the user may not follow %s: %s", covering[i], q.refusal(covering[i], g.Err))
			continue
		}
		q.tell("access", yes(), "the user may follow %s now", covering[i])
		q.explainRole(covering[i], g.Roles)
		q.explainFilters(covering[i])
	}
	return nil
}

// explainFilters says that filters are not tested, where a topic takes them: which a subscription has is known to its node alone.
func (q *question) explainFilters(t topic.Topic) {
	if source, _, _ := q.Topics.Source(t); source.Filterable != nil {
		q.tell("filter", nil, "explain does not test filters: whether a subscription to %s with a filter receives the event depends on its filter too", t)
	}
}

// refusal says why access is refused.
func (q *question) refusal(t topic.Topic, err error) string {
	source, path, _ := q.Topics.Source(t)
	switch {
	case errors.Is(err, problem.ErrUnauthorized):
		return "a login is needed (4401)"
	case errors.Is(err, problem.ErrForbidden) && source.Allow.StaffOnly() && !q.who.Staff:
		return "it is for staff (4403)"
	case errors.Is(err, problem.ErrForbidden):
		return "the SQL of " + path + ".access says that allowed is not true (4403)"
	case errors.Is(err, problem.ErrNotFound):
		return "the SQL of " + path + ".access answers no row, or cannot read the topic's parameters (4404)"
	}
	return "access cannot be asked at present: " + err.Error()
}

// explainRole says whether a follower of a topic with some roles receives the event.
func (q *question) explainRole(t topic.Topic, roles []string) {
	role := q.event.Role
	switch {
	case role == "":
		q.answer.Receives = true
		q.tell("role", yes(), "the event is for all followers of %s", t)
	case slices.Contains(roles, role):
		q.answer.Receives = true
		q.tell("role", yes(), "the event is for the role %s, which access to %s gives the user", role, t)
	case len(roles) == 0:
		q.tell("role", no(), "the event is for the role %s, and access to %s gives the user no role", role, t)
	default:
		q.tell("role", no(), "the event is for the role %s, and access to %s gives the user only %s", role, t, strings.Join(roles, ", "))
	}
}

// explainChanges says when access was checked again since the event.
func (q *question) explainChanges(covering []topic.Topic) {
	const shown = 5
	var concerned []notifier.AccessEvent
	for _, a := range q.log.Access {
		if a.Concerns(covering, q.who.Follower()) {
			concerned = append(concerned, a)
		}
	}
	if len(concerned) == 0 {
		q.tell("changes", nil, "no access event that concerns the user was filed since the event: if triggers file one for each change of rights, access was the same then")
		return
	}
	q.tell("changes", nil, "the user's access was checked again %s since the event was filed: the answer may have been different then", times(len(concerned)))
	for _, a := range concerned[:min(shown, len(concerned))] {
		whose := "for everyone"
		if a.User != "" {
			whose = "for this user"
		}
		q.tell("changes", nil, "at %s, event %d made nodes check access to %s again, %s", a.At.Format(time.RFC3339), a.ID, orAllTopics(a.Topic), whose)
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// explainSockets says which configured sockets of the topics send events of the type.
func (q *question) explainSockets(covering []topic.Topic) {
	for _, s := range q.config.Sockets {
		if s.ServesResources() {
			continue
		}
		pattern, listed := q.Topics.UserPattern(s.TopicPattern())
		for _, t := range covering {
			values, matches := pattern.Match(string(t))
			if !listed || !matches || !q.isOwn(pattern, values) {
				continue
			}
			forwards := slices.ContainsFunc(s.Forward, func(f rules.Forward) bool { return f.Type == q.event.Type })
			if forwards {
				q.tell("socket", nil, "the socket %s is bound to %s, and sends events of type %s", s.Path, t, q.event.Type)
			} else {
				q.tell("socket", nil, "the socket %s is bound to %s, and does not send events of type %s: forward does not list it", s.Path, t, q.event.Type)
			}
		}
	}
}

// isOwn reports whether the parameter {me}, where a pattern has one, is the user.
func (q *question) isOwn(pattern topic.Pattern, values []string) bool {
	for i, p := range pattern.Parameters() {
		if p.Name == rules.ParameterMe && values[i] != q.who.User {
			return false
		}
	}
	return true
}
