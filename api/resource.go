package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/access"
	"rowcall/api/identity"
	"rowcall/config/rules"
	"rowcall/notifier/topic"
)

// Resources are the compiled resource rules. They are safe for use by several goroutines.
type Resources struct {
	sources []rules.Resource
	list    []*resource
	topics  *access.Rules
}

// resource is a table as its users know it.
type resource struct {
	name    string
	allow   rules.Allow
	topic   *topic.Pattern // nil: nobody is told of changes
	follow  []topic.Pattern
	table   *table
	columns []*column // those that are shown
	key     *column
	label   *column
	deletes bool        // rows may be deleted at all
	refers  []reference // to other resources
	details map[string]detail
	acting  *acting
	sql     resourceSQL
}

// CompileResources checks the rules and reads the tables from the catalog. A table that changes
// later is known again at the next start. The error is a rules.Problems if the rules are wrong, and
// problem.ErrUnavailable if the database does not answer.
func CompileResources(ctx context.Context, pool *pgxpool.Pool, topics *access.Rules, sources []rules.Resource, log *slog.Logger) (*Resources, error) {
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
		compiled, err := compileResource(ctx, work, topics, source, rules.Entry("resources", i), &wrong)
		if err != nil {
			return nil, err
		}
		all.list = append(all.list, compiled)
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	all.link()
	all.warnOfUnsecured(log)
	return all, nil
}

// warnOfUnsecured logs the resources whose rows everybody sees and changes who may ask at all.
func (r *Resources) warnOfUnsecured(log *slog.Logger) {
	for i, compiled := range r.list {
		if !compiled.table.Secured {
			log.Warn("resource without row-level security: whoever may ask sees and changes all its rows",
				"resource", compiled.name, "table", r.sources[i].Table)
		}
	}
}

// Sources are the rules as the configuration lists them.
func (r *Resources) Sources() []rules.Resource {
	if r == nil {
		return nil
	}
	return r.sources
}

// named finds a resource; nil without one.
func (r *Resources) named(name string) *resource {
	if r == nil {
		return nil
	}
	for _, candidate := range r.list {
		if candidate.name == name {
			return candidate
		}
	}
	return nil
}

// compileResource adds to the problems what is wrong with a rule in this database. The error is
// problem.ErrUnavailable.
func compileResource(ctx context.Context, work *acting, topics *access.Rules, source rules.Resource, at string, wrong *rules.Problems) (*resource, error) {
	r := &resource{name: source.Name, allow: source.Allow, acting: work}
	r.compileTopics(source, topics, at, wrong)
	if wrong.Has(at + ".table") {
		return r, nil
	}
	var err error
	if r.table, err = readTable(ctx, work.pool, source.Table); err == nil {
		err = errors.Join(r.adopt(), r.readDetails(ctx, work.pool))
	}
	if err != nil {
		return r, access.AddProblem(wrong, at+".table", err)
	}
	r.label, err = r.labelOf(source.Label)
	return r, access.AddProblem(wrong, at+".label", err)
}

// compileTopics compiles the topics of a rule.
func (r *resource) compileTopics(source rules.Resource, topics *access.Rules, at string, wrong *rules.Problems) {
	if parsed, filed := source.TopicPattern(); filed {
		compiled, err := userTopic(parsed, topics)
		wrong.AddError(at+".topic", err)
		r.topic = &compiled
	}
	for i, parsed := range source.FollowPatterns() {
		compiled, err := userTopic(parsed, topics)
		if len(source.Follow) > 0 { // else it is the topic again
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

// adopt takes from the table what rowcall_app may see.
func (r *resource) adopt() error {
	for _, c := range r.table.columns {
		if c.Readable {
			r.columns = append(r.columns, c)
		}
	}
	if r.key = r.table.key(); r.key == nil || !r.key.isKey() {
		return errors.New("it needs a primary key of one column, of numbers, text or uuid")
	}
	if !r.key.Readable {
		return fmt.Errorf("%s may not read its primary key: GRANT SELECT ON %s TO %[1]s", actingRole, r.table.Name)
	}
	r.sql = newResourceSQL(r)
	return nil
}

// admits returns why an identity may not ask at all.
func (r *resource) admits(who identity.Identity) error { return access.Admits(r.allow, who) }
