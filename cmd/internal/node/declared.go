package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"rowcall/api"
	"rowcall/api/problem"
	"rowcall/config"
	"rowcall/config/rules"
	"rowcall/notifier/dbconn"
	"rowcall/triggers/tables"
)

// declaredTables are the tables of the configuration, as the catalog of the database describes them.
type declaredTables struct {
	config *config.Config
	pool   *dbconn.Pool

	mu         sync.Mutex // guards all below
	tables     []tables.Table
	rules      []rules.Topic
	resolvedAt time.Time
}

// resolvedFor is how long rules are taken for the present ones: one look at the catalog serves all topics
// that are prepared again after a change.
const resolvedFor = time.Second

// topics returns the rules of the tables' topics. The error is a rules.Problems if the declarations do
// not fit the database, and problem.ErrUnavailable if the database does not answer.
func (d *declaredTables) topics(ctx context.Context) ([]rules.Topic, error) {
	if len(d.config.Tables) == 0 {
		return nil, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rules != nil && time.Since(d.resolvedAt) < resolvedFor {
		return d.rules, nil
	}
	db := d.pool.SQL()
	defer db.Close()
	declared, err := tables.Resolve(ctx, db, d.config.Tables)
	if err != nil {
		return nil, misfitOr(err, "reading declared tables")
	}
	all := []rules.Topic{}
	for _, t := range declared {
		for _, rule := range t.Rules() {
			if before := d.served(rule); before != nil && !t.IsLive() {
				rule = *before // a function that was dropped lets no new column out
			}
			all = append(all, rule)
		}
	}
	d.tables, d.rules, d.resolvedAt = declared, all, time.Now()
	return all, nil
}

// list returns the tables as staff are told of them. Tables that do not fit the database at present are those of before.
func (d *declaredTables) list(ctx context.Context) ([]api.Table, error) {
	if _, err := d.topics(ctx); errors.Is(err, problem.ErrUnavailable) {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]api.Table, len(d.tables))
	for i, t := range d.tables {
		all[i] = describeTable(t)
	}
	return all, nil
}

func describeTable(t tables.Table) api.Table {
	described := api.Table{Table: t.SQL(), Name: t.TypeName, Live: t.IsLive(), Key: []string{}, Columns: []api.TableColumn{}, Topics: []api.TableTopic{}}
	for _, c := range t.Key {
		described.Key = append(described.Key, c.Name)
	}
	for _, c := range t.AsApplied().Columns {
		described.Columns = append(described.Columns, api.TableColumn{Name: c.Name, Type: c.Type})
	}
	for _, own := range t.Topics {
		named := api.TableTopic{Topic: own.Pattern.Expand(func(name string) string { return "{" + name + "}" }), Parameters: []string{}}
		for _, parameter := range own.Pattern.Parameters() {
			named.Parameters = append(named.Parameters, parameter.Name)
		}
		described.Topics = append(described.Topics, named)
	}
	return described
}

// served returns the rule of the same topic as it was last, or nil.
func (d *declaredTables) served(rule rules.Topic) *rules.Topic {
	at := slices.IndexFunc(d.rules, func(r rules.Topic) bool { return r.Path == rule.Path && r.Topic == rule.Topic })
	if at < 0 {
		return nil
	}
	return &d.rules[at]
}

// renew returns the rule of a declared table as it is to be for the present catalog, and any other rule
// unchanged.
func (d *declaredTables) renew(ctx context.Context, source rules.Topic) (rules.Topic, error) {
	if source.Path == "" {
		return source, nil
	}
	all, err := d.topics(ctx)
	if err != nil {
		return source, err
	}
	for _, now := range all {
		if now.Path == source.Path && now.Topic == source.Topic {
			return now, nil
		}
	}
	return source, fmt.Errorf("the topics of the table are not those with which the node started, such as %s: restart the node", source.Topic)
}

// misfit is what is wrong with the declarations at this database.
type misfit struct{ rules.Problems }

func (m misfit) Error() string { return m.Below("the declared tables do not fit the database:") }

func (m misfit) Unwrap() error { return m.Problems }

// misfitOf returns a misfit if the error says what is wrong with the declarations, and any other error as it is.
func misfitOf(err error) error {
	if problems, ok := errors.AsType[rules.Problems](err); ok {
		return misfit{problems}
	}
	return err
}

// misfitOr returns a misfit if the error says what is wrong with the declarations. Any other error is of
// the database.
func misfitOr(err error, doing string) error {
	if problems, ok := errors.AsType[rules.Problems](err); ok {
		return misfit{problems}
	}
	return problem.OfDatabase(doing, err)
}

// ReadyTables makes declared tables live with tables_apply. Without it, it logs what differs from the
// declarations: events of these tables may be missing.
func ReadyTables(ctx context.Context, c *config.Config, log *slog.Logger) error {
	if len(c.Tables) == 0 {
		return nil
	}
	if c.TablesApply {
		return ApplyTables(ctx, c, false, ApplyProgress{
			Waits: func(change tables.Change) { log.Info(WaitsForLock, "table", change.Table) },
			Done: func(change tables.Change) {
				log.Info("a declared table was made live", "table", change.Table, "what", strings.Join(change.What(), "; "))
			},
		}, log)
	}
	err := checkTables(ctx, c)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	log.Warn("declared tables are not live as they are declared: events may be missing until rowcall apply is run", "err", err)
	return nil
}
