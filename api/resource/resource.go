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
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"rowcall/api/access"
	"rowcall/api/identity"
	"rowcall/api/upkeep"
	"rowcall/config/rules"
	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
)

// Resources are the compiled rules of resources. They are safe for use by several goroutines. A nil
// *Resources has none.
type Resources struct {
	sources []rules.Resource
	topics  *access.Rules

	mu   sync.Mutex                  // held while the list is replaced
	list atomic.Pointer[[]*Resource] // the resources as the catalog was last; nothing in it is changed
}

// Resource is a table as its users know it, as the catalog was when it was read. [Resource.Do] gives the
// Resource as it is now.
type Resource struct {
	all        *Resources
	item       *upkeep.Item
	edition    int // how often statements had to be told apart from earlier ones
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

// Compile checks the rules and reads the tables from the catalog. A table that changes later is read
// anew by the items of the resources. The error is a rules.Problems if the rules are wrong, and
// problem.ErrUnavailable if the database does not answer.
func Compile(ctx context.Context, pool *dbconn.Pool, topics *access.Rules, sources []rules.Resource, log *slog.Logger) (*Resources, error) {
	all := &Resources{sources: sources, topics: topics}
	all.list.Store(&[]*Resource{})
	if len(sources) == 0 {
		return all, nil
	}
	work := newActing(pool)
	if err := work.check(ctx); err != nil {
		return nil, fmt.Errorf("preparing resources: %w", err)
	}
	var wrong rules.Problems
	rules.CheckResources(sources, topics.Sources(), &wrong)
	list := make([]*Resource, len(sources))
	for i := range sources {
		var err error
		if list[i], err = all.compile(ctx, work, i, &wrong); err != nil {
			return nil, err
		}
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	findReferences(list)
	all.list.Store(&list)
	all.warnOfUnsecured(log)
	return all, nil
}

// compile adds to the problems what is wrong with a rule in this database. The error is
// problem.ErrUnavailable.
func (r *Resources) compile(ctx context.Context, work *acting, place int, wrong *rules.Problems) (*Resource, error) {
	source, at := r.sources[place], rules.Entry("resources", place)
	one := &Resource{all: r, name: source.Name, allow: source.Allow, acting: work}
	one.item = upkeep.NewItem(at, source.Name, func(ctx context.Context, fresh bool) (bool, error) { return r.renew(ctx, place, fresh) })
	one.compileTopics(source, r.topics, at, wrong)
	if wrong.Has(at + ".table") {
		return one, nil
	}
	found, err := readTable(ctx, work.pool, source.Table)
	if err == nil {
		err = one.useTable(found)
	}
	if err != nil {
		return one, access.AddProblem(wrong, at+".table", err)
	}
	one.label, err = one.findLabel(source.Label)
	return one, access.AddProblem(wrong, at+".label", err)
}

// renew reads the table of a resource anew. The resource stays as it is if the table does not fit the
// configuration any more, or has not changed. Otherwise the list is replaced, since others refer to it.
func (r *Resources) renew(ctx context.Context, place int, fresh bool) (changed bool, err error) {
	source, old := r.sources[place], r.current()[place]
	found, err := readTable(ctx, old.acting.pool, source.Table)
	if err != nil {
		return false, err
	}
	renewed := old.copy()
	if fresh {
		renewed.edition++
	}
	if err := renewed.useTable(found); err != nil {
		return false, err
	}
	if renewed.label, err = renewed.findLabel(source.Label); err != nil {
		return false, err
	}
	if !fresh && reflect.DeepEqual(found, old.table) {
		return false, nil
	}
	r.replace(place, renewed)
	return true, nil
}

// copy returns the resource without what it takes from its table and from other resources.
func (r *Resource) copy() *Resource {
	return &Resource{all: r.all, item: r.item, edition: r.edition, name: r.name, allow: r.allow, topic: r.topic, follow: r.follow, acting: r.acting}
}

// replace puts a resource into the list. The others are copied, because their references change.
func (r *Resources) replace(place int, renewed *Resource) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*Resource, len(r.sources))
	for i, one := range r.current() {
		again := *one
		again.references = nil
		list[i] = &again
	}
	list[place] = renewed
	findReferences(list)
	r.list.Store(&list)
}

// current returns the resources as they are now. Nobody may change the list.
func (r *Resources) current() []*Resource { return *r.list.Load() }

// Items returns the resources, to be kept in step with the catalog.
func (r *Resources) Items() []*upkeep.Item {
	var items []*upkeep.Item
	for _, one := range r.current() {
		items = append(items, one.item)
	}
	return items
}

// Latest returns the resource as the catalog was read last.
func (r *Resource) Latest() *Resource { return r.all.Named(r.name) }

// Do calls do with the resource as it is now, and once more if the catalog has changed in the meantime
// and do has failed for that. do must leave nothing behind when it fails. The error is problem.ErrUnfit
// if the table does not fit the configuration any more.
func (r *Resource) Do(ctx context.Context, do func(now *Resource) error) error {
	return r.item.Do(ctx, func() error { return do(r.Latest()) })
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
func findReferences(list []*Resource) {
	for _, one := range list {
		for _, c := range one.columns {
			ref := reference{column: c}
			for _, other := range list {
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
	for i, compiled := range r.current() {
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

// Named returns a resource by its name, as it is now; nil if there is none.
func (r *Resources) Named(name string) *Resource {
	if r == nil {
		return nil
	}
	list := r.current()
	at := slices.IndexFunc(list, func(candidate *Resource) bool { return candidate.name == name })
	if at < 0 {
		return nil
	}
	return list[at]
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
	return p.Expand(func(string) string { return topic.Segment(who.User) })
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
