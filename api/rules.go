package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// Rules are the compiled topic rules. They are safe for use by several goroutines.
type Rules struct {
	pool     *pgxpool.Pool
	accounts accountLookup
	rules    []*topicRule
	builtIn  map[topic.Topic]*topicRule // for topics that no pattern can name
}

var _ notifier.Rules = (*Rules)(nil)

// accountLookup is what rules need of identity.Accounts.
type accountLookup interface {
	WholeIDs() bool
	Current(ctx context.Context, followers []notifier.Follower) ([]identity.Standing, error)
}

var _ accountLookup = (*identity.Accounts)(nil)

// topicRule is a compiled rule of the configuration.
type topicRule struct {
	source   rules.Topic
	pattern  topic.Pattern
	access   *accessQuery   // nil: the rule's Allow decides alone
	snapshot *snapshotQuery // nil: the topics have no snapshot
}

// CompileRules checks the rules and has PostgreSQL prepare all their SQL. Staff, and nobody else, may
// also follow the topics of builtIn, which are Rowcall's own. The error is a rules.Problems if the
// rules are wrong, and problem.ErrUnavailable if the database does not answer.
func CompileRules(ctx context.Context, pool *pgxpool.Pool, accounts accountLookup, topics []rules.Topic, builtIn ...topic.Topic) (*Rules, error) {
	all := &Rules{pool: pool, accounts: accounts, builtIn: map[topic.Topic]*topicRule{}}
	for _, own := range builtIn {
		all.builtIn[own] = &topicRule{source: rules.Topic{Allow: rules.AllowStaff}}
	}
	var wrong rules.Problems
	rules.CheckTopics(topics, &wrong)
	for i, source := range topics {
		at := rules.Entry("topics", i)
		if wrong.Has(at + ".topic") {
			continue // which parameters its SQL may name is not known
		}
		if err := all.compile(ctx, source, at, &wrong); err != nil {
			return nil, err
		}
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	return all, nil
}

// compile adds a rule, and adds to the problems what PostgreSQL finds wrong with its SQL. The error
// is problem.ErrUnavailable.
func (r *Rules) compile(ctx context.Context, source rules.Topic, at string, wrong *rules.Problems) error {
	compiled := &topicRule{source: source, pattern: source.Pattern()}
	names := r.parameters(compiled.pattern)
	var err1, err2 error
	compiled.access, err1 = compileAccess(ctx, r.pool, source.Access, names)
	compiled.snapshot, err2 = compileSnapshot(ctx, r.pool, source.Snapshot, names)
	r.rules = append(r.rules, compiled)
	return errors.Join(addProblem(wrong, at+".access", err1), addProblem(wrong, at+".snapshot", err2))
}

// addProblem records an error as a problem with the setting at key. It returns the error instead if
// the database did not answer: nothing is known of the setting then.
func addProblem(wrong *rules.Problems, key string, err error) error {
	if errors.Is(err, problem.ErrUnavailable) {
		return fmt.Errorf("checking %s: %w", key, err)
	}
	wrong.AddError(key, err)
	return nil
}

// Sources are the rules as the configuration lists them.
func (r *Rules) Sources() []rules.Topic {
	sources := make([]rules.Topic, len(r.rules))
	for i, compiled := range r.rules {
		sources[i] = compiled.source
	}
	return sources
}

// LatestField is the field of the events' data whose newest value is enough for a slow reader of
// the topic. It is empty if such a reader needs every event.
func (r *Rules) LatestField(asked topic.Topic) string {
	found, _ := r.find(asked)
	if found == nil {
		return ""
	}
	return found.source.LatestField()
}

// Spell brings a topic to its one spelling: room/007 is room/7. It returns a topic without a rule
// as it is.
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

// find returns the rule for a topic and the values of its parameters; nil without a rule.
func (r *Rules) find(asked topic.Topic) (*topicRule, []string) {
	if found, ok := r.builtIn[asked]; ok {
		return found, nil
	}
	for _, candidate := range r.rules {
		if values, ok := candidate.pattern.Match(string(asked)); ok {
			return candidate, values
		}
	}
	return nil, nil
}

// Admits returns why the rule of a topic does not let an identity ask at all: the error is that of
// admits, or problem.ErrNotFound for a topic without a rule. Whether access lets the identity follow
// the topic is another question.
func (r *Rules) Admits(asked topic.Topic, who identity.Identity) error {
	found, _ := r.find(asked)
	if found == nil {
		return problem.ErrNotFound
	}
	return admits(found.source.Allow, who)
}

// admits returns why an identity may not ask at all: problem.ErrUnauthorized if a login is missing,
// problem.ErrDenied if only staff may.
func admits(allow rules.Allow, who identity.Identity) error {
	switch {
	case allow != rules.AllowPublic && who.Anonymous():
		return problem.ErrUnauthorized
	case allow.StaffOnly() && !who.Staff:
		return problem.ErrDenied
	}
	return nil
}

// UserPattern gives the parameter {me} of a pattern the kind of this database's user ids. It reports
// false if no rule could be for such topics.
func (r *Rules) UserPattern(p topic.Pattern) (topic.Pattern, bool) {
	p = p.WithKind(rules.ParameterMe, r.userKind())
	listed := slices.ContainsFunc(r.rules, func(candidate *topicRule) bool { return candidate.pattern.Overlaps(p) })
	return p, listed
}

// userKind is the kind of user ids.
func (r *Rules) userKind() topic.Kind {
	if r.accounts.WholeIDs() {
		return topic.KindInt
	}
	return topic.KindText
}

// parameters are what SQL may name: the follower, and the pattern's own.
func (r *Rules) parameters(p topic.Pattern) []parameter {
	all := []parameter{{rules.ParameterMe, sqlType(r.userKind())}, {rules.ParameterStaff, "boolean"}}
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
	if n, err := strconv.ParseInt(user, 10, 64); err == nil && r.userKind() == topic.KindInt {
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

// argument is a value in the type of its parameter. It reports false if no such topic can exist: an
// int is within the range of bigint.
func argument(k topic.Kind, value string) (any, bool) {
	if k != topic.KindInt {
		return value, true
	}
	n, err := strconv.ParseInt(value, 10, 64)
	return n, err == nil
}
