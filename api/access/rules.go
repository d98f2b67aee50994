// Package access decides who may follow which topic, with the SQL of the configuration.
//
// Compile checks the rules of topics and has PostgreSQL prepare their SQL once, at start. [Rules.Ask]
// answers any number of questions with one statement for each rule, so that a change of rights costs
// the same for one follower as for thousands. [Rules.State] reads the snapshot of a topic.
//
// Nothing of a request becomes text of a statement: the parameters of configured SQL are columns of
// a row of bound values. Followers are looked up again for each answer, so that the answer is of the
// moment in which it is asked, not of the moment in which a socket was opened.
package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/api/upkeep"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
)

// Rules are the compiled rules of topics. They are safe for use by several goroutines.
type Rules struct {
	// Log is told at level debug of statements that could not convert a value of a topic. It may be
	// nil, and is set before the rules are used.
	Log *slog.Logger

	// Renew returns a rule as it is to be for the present catalog: the snapshot of a declared table
	// has the columns with which the table was applied last. It may be nil, and is set before the rules
	// are used. Only Access, Snapshot and Filterable may differ from source.
	Renew func(ctx context.Context, source rules.Topic) (rules.Topic, error)

	pool    *dbconn.Pool
	users   Users
	rules   []*topicRule
	builtIn map[topic.Topic]*topicRule // for topics that no pattern can name
}

var _ notifier.Rules = (*Rules)(nil)

// Users is what access needs to know of the users. *identity.Accounts has it.
type Users interface {
	// UserKind is the kind of user ids.
	UserKind() topic.Kind
	// KeepsClaims reports whether followers have the claims of their tokens.
	KeepsClaims() bool
	// AnyoneCanLogIn reports whether there are users at all.
	AnyoneCanLogIn() bool
	// Current returns what has become of the followers, in their order.
	Current(ctx context.Context, followers []notifier.Follower) ([]identity.Standing, error)
	// CurrentWithin is Current in the snapshot of a transaction, on its connection.
	CurrentWithin(ctx context.Context, tx pgx.Tx, followers []notifier.Follower) ([]identity.Standing, error)
}

// topicRule is a compiled rule of the configuration.
type topicRule struct {
	source   rules.Topic
	pattern  topic.Pattern
	claims   bool                          // SQL of the rule names @claims
	below    []*topicRule                  // rules with topics at or below those of the rule, the rule itself first
	access   renewableQuery[accessQuery]   // empty: the rule's Allow decides alone
	snapshot renewableQuery[snapshotQuery] // empty: the topics have no snapshot
}

// renewableQuery is configured SQL that is prepared again when the catalog changes.
type renewableQuery[Q any] struct {
	query atomic.Pointer[Q] // nil if no SQL is configured
	item  *upkeep.Item      // nil likewise
}

// start stores a query that was prepared at the start of the node; compile prepares it again later.
// edition counts how often the text of the statement had to change.
func (k *renewableQuery[Q]) start(query *Q, setting, name string, compile func(ctx context.Context, edition int) (*Q, error)) {
	if query == nil {
		return
	}
	k.query.Store(query)
	edition := 0
	k.item = upkeep.NewItem(setting, name, func(ctx context.Context, fresh bool) (bool, error) {
		if fresh {
			edition++
		}
		again, err := compile(ctx, edition)
		if err != nil {
			return false, err
		}
		before := k.query.Swap(again)
		return !reflect.DeepEqual(before, again), nil
	})
}

// withEdition appends the edition to a statement as a comment. The text then differs from that of earlier
// editions, for which a connection may still hold a plan that is no longer valid.
func withEdition(sql string, edition int) string {
	if edition == 0 {
		return sql
	}
	return fmt.Sprintf("%s /* %d */", sql, edition)
}

// Compile checks the rules and has PostgreSQL prepare all their SQL. Staff, and nobody else, may also
// follow the topics of builtIn, which are Rowcall's own. The error is a rules.Problems if the rules
// are wrong, and problem.ErrUnavailable if the database does not answer.
func Compile(ctx context.Context, pool *dbconn.Pool, users Users, topics []rules.Topic, builtIn ...topic.Topic) (*Rules, error) {
	all := &Rules{pool: pool, users: users, builtIn: map[topic.Topic]*topicRule{}}
	for _, own := range builtIn {
		all.builtIn[own] = &topicRule{source: rules.Topic{Allow: rules.AllowStaff}}
	}
	var wrong rules.Problems
	rules.CheckTopics(topics, &wrong)
	for i, source := range topics {
		at := source.At(i)
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
	all.findBelow()
	return all, nil
}

// findBelow finds out which rules have topics whose events followers of other rules hear.
func (r *Rules) findBelow() {
	for _, upper := range r.rules {
		upper.below = []*topicRule{upper}
		for _, lower := range r.rules {
			if lower != upper && upper.pattern.MayCover(lower.pattern) {
				upper.below = append(upper.below, lower)
			}
		}
	}
}

// compile adds a rule, and adds to the problems what PostgreSQL finds wrong with its SQL. The error
// is problem.ErrUnavailable.
func (r *Rules) compile(ctx context.Context, source rules.Topic, at string, wrong *rules.Problems) error {
	compiled := &topicRule{source: source, pattern: source.Pattern(), claims: source.NamesClaims()}
	if compiled.claims && !r.users.KeepsClaims() {
		wrong.Add(at, "names @claims, the claims of a token, but no claims are kept here")
		return nil
	}
	parameters := parameters(source, r.users.UserKind())
	access := func(ctx context.Context, edition int) (*accessQuery, error) {
		latest, err := r.latest(ctx, source)
		if err != nil {
			return nil, err
		}
		return compileAccess(ctx, r.pool, latest.Access, parameters, edition)
	}
	snapshot := func(ctx context.Context, edition int) (*snapshotQuery, error) {
		latest, err := r.latest(ctx, source)
		if err != nil {
			return nil, err
		}
		return compileSnapshot(ctx, r.pool, latest, parameters, edition)
	}
	first, err1 := access(ctx, 0)
	compiled.access.start(first, at+".access", source.Topic, access)
	state, err2 := snapshot(ctx, 0)
	compiled.snapshot.start(state, at+".snapshot", source.Topic, snapshot)
	r.rules = append(r.rules, compiled)
	return errors.Join(AddProblem(wrong, at+".access", err1), AddProblem(wrong, at+".snapshot", err2))
}

// latest returns a rule as it is to be for the present catalog.
func (r *Rules) latest(ctx context.Context, source rules.Topic) (rules.Topic, error) {
	if r.Renew == nil {
		return source, nil
	}
	return r.Renew(ctx, source)
}

// AddProblem records an error as a problem with the setting at key. If the database did not answer,
// nothing is known of the setting: AddProblem returns the error then, which is
// problem.ErrUnavailable.
func AddProblem(wrong *rules.Problems, key string, err error) error {
	if errors.Is(err, problem.ErrUnavailable) {
		return fmt.Errorf("checking %s: %w", key, err)
	}
	wrong.AddError(key, err)
	return nil
}

// Sources returns the rules as the configuration lists them.
func (r *Rules) Sources() []rules.Topic {
	sources := make([]rules.Topic, len(r.rules))
	for i, compiled := range r.rules {
		sources[i] = compiled.source
	}
	return sources
}

// Items returns the SQL of the rules, to be kept in step with the catalog.
func (r *Rules) Items() []*upkeep.Item {
	var items []*upkeep.Item
	for _, compiled := range r.rules {
		items = append(items, compiled.access.item, compiled.snapshot.item)
	}
	return items
}

// LatestField returns the field of the events' data whose newest value is enough for a slow reader
// of the topic. It is empty if such a reader needs every event.
func (r *Rules) LatestField(asked topic.Topic) string {
	found, _ := r.find(asked)
	if found == nil {
		return ""
	}
	return found.source.LatestField()
}

// Spell brings a topic to its one spelling: room/007 is room/7. It returns a topic without a rule
// unchanged.
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

// Admits returns nil if the Allow of a topic's rule lets an identity ask at all. Whether the rule's
// SQL lets the identity follow the topic is another question, which Ask answers. The error is one of
// those of the function Admits, or problem.ErrNotFound for a topic without a rule.
func (r *Rules) Admits(asked topic.Topic, who identity.Identity) error {
	found, _ := r.find(asked)
	if found == nil {
		return problem.ErrNotFound
	}
	return Admits(found.source.Allow, who)
}

// Admits returns nil if an identity may ask at all. The error is problem.ErrUnauthorized if a login
// is missing, and problem.ErrDenied if only staff may ask.
func Admits(allow rules.Allow, who identity.Identity) error {
	switch {
	case allow != rules.AllowPublic && who.Anonymous():
		return problem.ErrUnauthorized
	case allow.StaffOnly() && !who.Staff:
		return problem.ErrDenied
	}
	return nil
}

// CanFollow reports whether the rules let anybody follow a topic or one above it, whose followers receive
// its events too. Followers name topics in their one spelling, so nobody can follow room/007.
func (r *Rules) CanFollow(asked topic.Topic) bool {
	for name := string(asked); ; {
		if r.hasRule(topic.Topic(name)) {
			return true
		}
		end := strings.LastIndexByte(name, '/')
		if end < 0 {
			return false
		}
		name = name[:end]
	}
}

// Covering returns the topics whose followers receive the events of a topic: the topic itself and those above it, as far as the
// rules let anybody follow them.
func (r *Rules) Covering(asked topic.Topic) []topic.Topic {
	var all []topic.Topic
	for t := range asked.Lineage {
		if r.hasRule(t) {
			all = append(all, t)
		}
	}
	return all
}

// Source returns the rule for a topic as the configuration has it, and its key path. It reports false without a rule.
func (r *Rules) Source(asked topic.Topic) (source rules.Topic, path string, ok bool) {
	found, _ := r.find(asked)
	at := slices.Index(r.rules, found)
	if at < 0 {
		return rules.Topic{}, "", false
	}
	return found.source, found.source.At(at), true
}

// hasRule reports whether a rule covers the topic, and the topic is in canonical spelling with values that
// fit the types of the parameters.
func (r *Rules) hasRule(name topic.Topic) bool {
	if _, own := r.builtIn[name]; own {
		return true
	}
	_, malformed := topic.Parse(string(name))
	found, values := r.find(name)
	if malformed != nil || found == nil || r.Spell(name) != name {
		return false
	}
	_, err := r.arguments(found, values, notifier.Follower{}, false)
	return err == nil
}

// UserPattern gives the parameter {me} of a pattern the kind of this database's user ids. It reports
// false if no rule of the configuration could be for such topics.
func (r *Rules) UserPattern(p topic.Pattern) (topic.Pattern, bool) {
	p = p.WithKind(rules.ParameterMe, r.users.UserKind())
	listed := slices.ContainsFunc(r.rules, func(candidate *topicRule) bool { return candidate.pattern.Overlaps(p) })
	return p, listed
}

// parameters are what the SQL of a rule may name: the follower, and the parameters of its pattern.
// The claims come last, and only where the SQL names them: they would travel with each question.
func parameters(source rules.Topic, users topic.Kind) []parameter {
	all := []parameter{{rules.ParameterMe, sqlType(users)}, {rules.ParameterStaff, "boolean"}}
	for _, own := range source.Pattern().Parameters() {
		all = append(all, parameter{own.Name, sqlType(own.Kind)})
	}
	if source.NamesClaims() {
		all = append(all, parameter{rules.ParameterClaims, "jsonb"})
	}
	return all
}

// arguments are the values of the parameters, in their order. The error is problem.ErrNotFound if no
// topic can have such values.
func (r *Rules) arguments(of *topicRule, values []string, who notifier.Follower, staff bool) ([]any, error) {
	arguments := []any{r.userArgument(who.User), staff}
	for i, p := range of.pattern.Parameters() {
		text, spelled := topic.SegmentText(values[i])
		value, ok := argument(p.Kind, text)
		if !ok || !spelled {
			return nil, problem.ErrNotFound
		}
		arguments = append(arguments, value)
	}
	if of.claims {
		arguments = append(arguments, cmp.Or(who.Claims, "{}"))
	}
	return arguments, nil
}

// userArgument is the value of @me: NULL for an anonymous follower.
func (r *Rules) userArgument(user string) any {
	if user == "" {
		return nil
	}
	if id, ok := argument(r.users.UserKind(), user); ok {
		return id
	}
	return user
}

// argument is a value in the type of its parameter. It reports false for a value that the type does
// not have, such as an int that is out of the range of bigint.
func argument(k topic.Kind, value string) (any, bool) {
	switch k {
	case topic.KindInt:
		n, err := strconv.ParseInt(value, 10, 64)
		return n, err == nil
	case topic.KindUUID:
		var id pgtype.UUID
		err := id.Scan(value)
		return id, err == nil
	}
	return value, true
}
