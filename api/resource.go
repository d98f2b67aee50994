package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/problem"
	"rowcall/notifier/topic"
)

// ResourceRule is a table that is served to users: over REST at /api/{name}, and over sockets of
// protocol dcrf. Row-level security decides which rows a user sees and writes, the grants of role
// rowcall_app which columns.
type ResourceRule struct {
	Name  string // a-z, 0-9, _ and -
	Table string // with or without a schema and a dot before it
	Allow string // who may ask at all: public, authenticated or staff; staff when empty
	Topic string // where the changes of its rows are filed, with {me} for the user's id; empty: nowhere

	Label  string   // the column that names a row to people; the first of text when empty, the key without one
	Follow []string // topics that tell lists of changes, with {me}; only those whom a rule admits hear of one. Topic when empty
}

// Resources are the compiled resource rules. They are safe for use by several goroutines.
type Resources struct {
	list  []*resource
	rules *Rules
}

// resource is a table as its users know it.
type resource struct {
	name    string
	allow   allowance
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

// CompileResources reads the tables from the catalog. The error joins all problems, each with its key
// path. A table that changes later is known again at the next start.
func CompileResources(ctx context.Context, pool *pgxpool.Pool, topics *Rules, rules []ResourceRule, log *slog.Logger) (*Resources, error) {
	all := &Resources{rules: topics}
	if len(rules) == 0 {
		return all, nil
	}
	work := newActing(pool)
	if err := work.check(ctx); err != nil {
		return nil, fmt.Errorf("preparing resources: %w", err)
	}
	compiled, err := compileEach("resources", slices.All(rules), func(rule ResourceRule, others []*resource) (*resource, error) {
		compiled, err := compileResource(ctx, work, topics, rule)
		if err == nil && slices.ContainsFunc(others, func(r *resource) bool { return r.name == rule.Name }) {
			err = at("name", fmt.Errorf("%q stands twice", rule.Name))
		}
		if err == nil && !compiled.table.Secured {
			log.Warn("resource without row-level security: whoever may ask sees and changes all its rows", "resource", rule.Name, "table", rule.Table)
		}
		return compiled, err
	})
	if err != nil {
		return nil, err
	}
	all.list = compiled
	all.link()
	return all, nil
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

// compileResource returns all that is wrong with one rule, joined.
func compileResource(ctx context.Context, work *acting, topics *Rules, rule ResourceRule) (*resource, error) {
	r := &resource{name: rule.Name, acting: work}
	var err1, err2, err3, err4, err5, err6 error
	err1 = checkAPIName(rule.Name)
	r.allow, err2 = parseAllow(rule.Allow)
	r.topic, err3 = resourceTopic(rule.Topic, topics)
	r.table, err4 = readTable(ctx, work.pool, rule.Table)
	if err4 == nil {
		err4 = errors.Join(r.adopt(), r.readDetails(ctx, work.pool))
	}
	if err4 == nil {
		r.label, err5 = r.labelOf(rule.Label)
	}
	r.follow, err6 = followed(rule.Follow, r.topic, topics)
	return r, errors.Join(at("name", err1), at("allow", err2), at("topic", err3), at("table", err4), at("label", err5), at("follow", err6))
}

// checkAPIName refuses what cannot stand behind /api/, and what stands there already.
func checkAPIName(name string) error {
	switch name {
	case "":
		return errors.New("it is empty")
	case "login", "logout", "me", "session", "console", "functions", "resources":
		return fmt.Errorf("%q is an address of Rowcall's own", name)
	}
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		return fmt.Errorf("%q: write it with a-z, 0-9, _ and -", name)
	}
	return nil
}

// resourceTopic reads the topic of a resource, whose only parameter may be {me}.
func resourceTopic(text string, topics *Rules) (*topic.Pattern, error) {
	if text == "" {
		return nil, nil
	}
	compiled, err := topic.ParsePattern(text)
	if err != nil {
		return nil, err
	}
	for _, p := range compiled.Parameters() {
		if p.Name != paramMe {
			return nil, fmt.Errorf("%q: only {me} can stand in it", text)
		}
	}
	if topics.accounts.users.whole {
		compiled = compiled.WithKind(paramMe, topic.KindInt)
	}
	if !topics.lists(compiled) {
		return nil, fmt.Errorf("%q: no topic of this form is listed under topics", text)
	}
	return &compiled, nil
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

// admits says whether an identity may ask at all.
func (r *resource) admits(who Identity) error { return r.allow.admits(who) }

func (a allowance) admits(who Identity) error {
	switch {
	case a != allowPublic && who.Anonymous():
		return problem.ErrUnauthorized
	case a == allowStaff && !who.Staff:
		return problem.ErrDenied
	}
	return nil
}
