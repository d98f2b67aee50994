// Package resource serves tables and functions of the database to users, under row-level security.
//
// A [Resource] is a table of the configuration. Users read and write its rows over REST at
// /api/{name}, and over sockets of protocol dcrf, which package api serves with the methods of
// Resource. Functions are called with POST /api/functions/{name}.
//
// All work for a user is a transaction of its own in the role rowcall_app, in which settings say who
// the user is (acting.go). PostgreSQL decides which rows and columns the user may read and write: by
// the policies of the table and the grants of the role. This package checks values by the types of
// the catalog before it sends them, so that a mistake is reported with its field (values.go, rows.go),
// and turns the errors of PostgreSQL into such reports too (errors.go).
//
// Statements are made of names from the catalog, each quoted, and of bound values (sql.go).
package resource

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"rowcall/api/access"
	"rowcall/api/identity"
	"rowcall/config/rules"
	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
)

// Resources are the compiled rules of resources. They are safe for use by several goroutines. A nil
// *Resources has none.
type Resources struct {
	sources []rules.Resource
	list    []*Resource
	topics  *access.Rules
}

// Resource is a table as its users know it.
type Resource struct {
	name       string
	allow      rules.Allow
	topic      *topic.Pattern  // where changes of rows are filed; nil: nowhere
	follow     []topic.Pattern // topics that announce changes of the list
	table      *table
	columns    []*column // of the table, those that rowcall_app may read
	key        *column
	label      *column // names a row to people
	references []reference
	acting     *acting
	sql        statements
}

// reference is a column whose values are keys of other resources.
type reference struct {
	column  *column
	targets []*Resource // several, if several resources serve the same table
}

// Compile checks the rules and reads the tables from the catalog. A table that changes later is known
// again at the next start. The error is a rules.Problems if the rules are wrong, and
// problem.ErrUnavailable if the database does not answer.
func Compile(ctx context.Context, pool *dbconn.Pool, topics *access.Rules, sources []rules.Resource, log *slog.Logger) (*Resources, error) {
	all := &Resources{sources: sources, topics: topics}
	if len(sources) == 0 {
		return all, nil
	}
	work := newActing(pool)
	if err := work.check(ctx); err != nil {
		return nil, fmt.Errorf("preparing resources: %w", err)
	}
	var wrong rules.Problems
	rules.CheckResources(sources, topics.Sources(), &wrong)
	for i, source := range sources {
		compiled, err := compile(ctx, work, topics, source, rules.Entry("resources", i), &wrong)
		if err != nil {
			return nil, err
		}
		all.list = append(all.list, compiled)
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	all.findReferences()
	all.warnOfUnsecured(log)
	return all, nil
}

// compile adds to the problems what is wrong with a rule in this database. The error is
// problem.ErrUnavailable.
func compile(ctx context.Context, work *acting, topics *access.Rules, source rules.Resource, at string, wrong *rules.Problems) (*Resource, error) {
	r := &Resource{name: source.Name, allow: source.Allow, acting: work}
	r.compileTopics(source, topics, at, wrong)
	if wrong.Has(at + ".table") {
		return r, nil
	}
	found, err := readTable(ctx, work.pool, source.Table)
	if err == nil {
		err = r.useTable(found)
	}
	if err != nil {
		return r, access.AddProblem(wrong, at+".table", err)
	}
	r.label, err = r.findLabel(source.Label)
	return r, access.AddProblem(wrong, at+".label", err)
}

// compileTopics compiles the topics of a rule.
func (r *Resource) compileTopics(source rules.Resource, topics *access.Rules, at string, wrong *rules.Problems) {
	if parsed, filed := source.TopicPattern(); filed {
		compiled, err := userTopic(parsed, topics)
		wrong.AddError(at+".topic", err)
		r.topic = &compiled
	}
	for i, parsed := range source.FollowPatterns() {
		compiled, err := userTopic(parsed, topics)
		if len(source.Follow) > 0 { // otherwise it is the topic again
			wrong.AddError(rules.Entry(at+".follow", i), err)
		}
		r.follow = append(r.follow, compiled)
	}
}

// userTopic compiles a topic that is followed on behalf of the user who is logged in.
func userTopic(parsed topic.Pattern, topics *access.Rules) (topic.Pattern, error) {
	compiled, listed := topics.UserPattern(parsed)
	if !listed {
		return compiled, fmt.Errorf("%q: user ids are whole numbers in this database, and no topic of this form is listed under topics", parsed)
	}
	return compiled, nil
}

// useTable takes from a table what rowcall_app may see.
func (r *Resource) useTable(t *table) error {
	r.table = t
	for _, c := range t.columns {
		if c.Readable {
			r.columns = append(r.columns, c)
		}
	}
	if r.key = t.key(); r.key == nil || !r.key.canBeKey() {
		return errors.New("it needs a primary key of one column, of numbers, text or uuid")
	}
	if !r.key.Readable {
		return fmt.Errorf("%s may not read its primary key: GRANT SELECT ON %s TO %[1]s", actingRole, t.Name)
	}
	r.sql = newStatements(r)
	return nil
}

// findLabel returns the column that names a row to people: the configured column, else the first
// column of free text, else the key.
func (r *Resource) findLabel(name string) (*column, error) {
	if name != "" {
		if c := r.column(rules.ColumnName(name)); c != nil {
			return c, nil
		}
		return nil, fmt.Errorf("%q is no column that %s may read", name, actingRole)
	}
	for _, c := range r.columns {
		if c.kind == kindText && len(c.choices()) == 0 {
			return c, nil
		}
	}
	return r.key, nil
}

// findReferences finds the columns that are keys of other resources. All resources must be compiled.
func (r *Resources) findReferences() {
	for _, one := range r.list {
		for _, c := range one.columns {
			ref := reference{column: c}
			for _, other := range r.list {
				if c.Refers != 0 && other.table.OID == c.Refers && other.key.Name == c.RefersColumn {
					ref.targets = append(ref.targets, other)
				}
			}
			if len(ref.targets) > 0 {
				one.references = append(one.references, ref)
			}
		}
	}
}

// warnOfUnsecured logs the resources without row-level security.
func (r *Resources) warnOfUnsecured(log *slog.Logger) {
	for i, compiled := range r.list {
		if !compiled.table.Secured {
			log.Warn("resource without row-level security: whoever may ask sees and changes all its rows",
				"resource", compiled.name, "table", r.sources[i].Table)
		}
	}
}

// Sources returns the rules as the configuration lists them.
func (r *Resources) Sources() []rules.Resource {
	if r == nil {
		return nil
	}
	return r.sources
}

// Named returns a resource by its name; nil if there is none.
func (r *Resources) Named(name string) *Resource {
	if r == nil {
		return nil
	}
	at := slices.IndexFunc(r.list, func(candidate *Resource) bool { return candidate.name == name })
	if at < 0 {
		return nil
	}
	return r.list[at]
}

// Admits returns nil if an identity may ask for rows at all. The errors are those of access.Admits.
func (r *Resource) Admits(who identity.Identity) error { return access.Admits(r.allow, who) }

// Topic returns the topic that the changes of the user's rows are filed under. It reports false if
// they are filed nowhere.
func (r *Resource) Topic(who identity.Identity) (string, bool) {
	if r.topic == nil {
		return "", false
	}
	return expandForUser(*r.topic, who), true
}

func expandForUser(p topic.Pattern, who identity.Identity) string {
	return p.Expand(func(string) string { return who.User })
}

// column returns a column that is shown, by its name; nil if there is none.
func (r *Resource) column(name string) *column {
	at := slices.IndexFunc(r.columns, func(c *column) bool { return c.Name == name })
	if at < 0 {
		return nil
	}
	return r.columns[at]
}

// target returns the resource that a user may ask for the rows behind a reference; nil if there is
// none.
func (f reference) target(who identity.Identity) *Resource {
	for _, candidate := range f.targets {
		if candidate.Admits(who) == nil {
			return candidate
		}
	}
	return nil
}

// topicsFor returns the topics that announce changes to the user: those that are configured for the
// list, as far as the rules admit the user, else the resource's own topic. Access is asked when the
// user follows the topic.
func (r *Resources) topicsFor(one *Resource, who identity.Identity) []topic.Topic {
	topics := []topic.Topic{}
	for _, p := range one.follow {
		if own, ok := r.admittedTopic(p, who); ok {
			topics = append(topics, own)
		}
	}
	if len(topics) == 0 && one.topic != nil {
		if own, ok := r.admittedTopic(*one.topic, who); ok {
			topics = append(topics, own)
		}
	}
	return topics
}

// admittedTopic returns the topic of a pattern for a user. It reports false if the rules do not admit
// the user.
func (r *Resources) admittedTopic(p topic.Pattern, who identity.Identity) (topic.Topic, bool) {
	if p.Has(rules.ParameterMe) && who.Anonymous() {
		return "", false
	}
	own, err := topic.Parse(expandForUser(p, who))
	return own, err == nil && r.topics.Admits(own, who) == nil
}
