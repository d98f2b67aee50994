package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// TopicRule says who may follow the topics of a pattern. A topic without a rule does not exist.
type TopicRule struct {
	Topic    string // the pattern, such as room/{room_id:int}
	Allow    string // public, authenticated or staff; staff when empty
	Access   string // SQL: no row is not found, allowed false is forbidden, other true booleans are roles
	Snapshot string // SQL of the topic's present state
	Slow     string // latest: a reader who falls behind gets the newest event per Key, and skips the others
	Key      string // with Slow: a field of the events' data
}

// allowance is who may ask at all.
type allowance string

const (
	allowPublic        allowance = "public"
	allowAuthenticated allowance = "authenticated"
	allowStaff         allowance = "staff"
)

// Rules are the compiled topic rules. They are safe for use by several goroutines.
type Rules struct {
	pool     *pgxpool.Pool
	accounts *Accounts
	rules    []*rule
}

var _ notifier.Rules = (*Rules)(nil)

// rule is one compiled TopicRule.
type rule struct {
	pattern  topic.Pattern
	allow    allowance
	access   *accessQuery   // nil: allow alone decides
	snapshot *snapshotQuery // nil: there is none
	latest   string         // the field whose newest event is enough for a slow reader; empty: every event
}

// CompileRules checks the rules and has PostgreSQL prepare all their SQL. The error joins all
// problems, each with its key path, such as: topics[2].access: column "x" does not exist.
func CompileRules(ctx context.Context, pool *pgxpool.Pool, accounts *Accounts, topics []TopicRule) (*Rules, error) {
	rules := &Rules{pool: pool, accounts: accounts}
	compiled, err := compileEach("topics", slices.All(topics), func(source TopicRule, others []*rule) (*rule, error) {
		return rules.compile(ctx, source, others)
	})
	if err != nil {
		return nil, err
	}
	rules.rules = compiled
	return rules, nil
}

// compile returns all that is wrong with one rule, joined.
func (r *Rules) compile(ctx context.Context, source TopicRule, others []*rule) (*rule, error) {
	compiled := &rule{}
	var err1, err2, err3, err4, err5 error
	compiled.pattern, err1 = compileTopic(source.Topic, others)
	compiled.allow, err2 = parseAllow(source.Allow)
	compiled.latest, err5 = parseSlow(source.Slow, source.Key)
	if err1 == nil {
		names := r.parameters(compiled.pattern)
		compiled.access, err3 = compileAccess(ctx, r.pool, source.Access, names)
		compiled.snapshot, err4 = compileSnapshot(ctx, r.pool, source.Snapshot, names)
	}
	return compiled, errors.Join(at("topic", err1), at("allow", err2), at("access", err3), at("snapshot", err4), at("slow", err5))
}

func compileTopic(text string, others []*rule) (topic.Pattern, error) {
	compiled, err := topic.ParsePattern(text)
	if err != nil {
		return topic.Pattern{}, err
	}
	for _, name := range []string{paramMe, paramStaff} {
		if compiled.Has(name) {
			return topic.Pattern{}, fmt.Errorf("%q: @%s is the follower's own; the parameter needs another name", text, name)
		}
	}
	for _, other := range others {
		if other.pattern.Overlaps(compiled) {
			return topic.Pattern{}, fmt.Errorf("%q and %q could be the same topic", other.pattern.String(), text)
		}
	}
	return compiled, nil
}

func parseAllow(text string) (allowance, error) {
	switch a := cmp.Or(allowance(text), allowStaff); a {
	case allowPublic, allowAuthenticated, allowStaff:
		return a, nil
	}
	return "", fmt.Errorf("%q is neither public nor authenticated nor staff", text)
}

// parseSlow returns the field whose newest value is enough for a reader who falls behind.
func parseSlow(slow, key string) (string, error) {
	switch {
	case slow == "" && key == "":
		return "", nil
	case slow != "latest":
		return "", fmt.Errorf("%q is not latest", slow)
	case key == "":
		return "", errors.New("latest needs a key: the field of the events' data whose newest event is enough")
	}
	return key, nil
}

// latest is the field whose newest event is enough for a slow reader of the topic; empty: every event.
func (r *Rules) latest(of topic.Topic) string {
	found, _ := r.find(of)
	if found == nil {
		return ""
	}
	return found.latest
}

// Spell brings a topic to its one spelling: room/007 is room/7. One without a rule stays as it is.
func (r *Rules) Spell(asked topic.Topic) topic.Topic {
	found, values := r.find(asked)
	if found == nil {
		return asked
	}
	next := 0
	return topic.Topic(found.pattern.Expand(func(string) string {
		next++
		return values[next-1]
	}))
}

// find returns the rule for a topic and the values of its parameters; nil without one.
func (r *Rules) find(asked topic.Topic) (*rule, []string) {
	if asked == consoleTopic {
		return consoleRule(), nil
	}
	for _, candidate := range r.rules {
		if values, ok := candidate.pattern.Match(string(asked)); ok {
			return candidate, values
		}
	}
	return nil, nil
}

// lists reports whether some rule could be for the topics of a pattern.
func (r *Rules) lists(p topic.Pattern) bool {
	for _, candidate := range r.rules {
		if candidate.pattern.Overlaps(p) {
			return true
		}
	}
	return false
}

// parameters are what SQL may name: the follower, and the pattern's own.
func (r *Rules) parameters(p topic.Pattern) []parameter {
	userKind := topic.KindText
	if r.accounts.users.whole {
		userKind = topic.KindInt
	}
	all := []parameter{{paramMe, sqlType(userKind)}, {paramStaff, "boolean"}}
	for _, own := range p.Parameters() {
		all = append(all, parameter{own.Name, sqlType(own.Kind)})
	}
	return all
}

// me is the value of @me: NULL when anonymous.
func (r *Rules) me(user string) any {
	if user == "" {
		return nil
	}
	if n, err := strconv.ParseInt(user, 10, 64); err == nil && r.accounts.users.whole {
		return n
	}
	return user
}

func sqlType(k topic.Kind) string {
	if k == topic.KindInt {
		return "bigint"
	}
	return "text"
}

// argument is a value as its parameter's type wants it. It reports false where there can be no
// such topic: an int is positive and within bigint.
func argument(k topic.Kind, value string) (any, bool) {
	if k != topic.KindInt {
		return value, true
	}
	n, err := strconv.ParseInt(value, 10, 64)
	return n, err == nil
}
