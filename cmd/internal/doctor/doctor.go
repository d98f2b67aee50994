// Package doctor finds what makes events missing, late or wrong, and says how to repair it.
//
// Examine looks at the server, the database and the configuration. It only reads: each look is a small function with
// read-only statements of its own, in a transaction of its own, with a limit in time. What the role may not see becomes
// a finding that says so. Each finding has a code of codes.go, which docs/doctor.md explains.
package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/cmd/internal/node"
	"rowcall/config"
)

// Finding is one thing that an operator should know.
type Finding struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	Table    string   `json:"table"`   // with its schema, as SQL spells it; empty if no table is concerned
	Object   string   `json:"object"`  // the function, trigger, sequence, role, setting or topic; may be empty
	Message  string   `json:"message"` // what is wrong, and what that does to events
	Remedy   string   `json:"remedy"`  // SQL or a command to run, or the setting to change; empty: there is nothing to do

	repair repair
}

// Options says how long and how much is too much. The zero Options takes the documented defaults.
type Options struct {
	Long  time.Duration    // the age from which a transaction is long; 0: five minutes
	Queue float64          // the share of the queue of notifications that is too full; 0: 0.05, as nodes have it
	Many  int              // the number of open transactions that is near the limit of cursors; 0: 400
	Clock time.Duration    // the difference of clocks that matters; 0: two seconds
	Now   func() time.Time // the clock of this machine; nil: time.Now
}

func (o Options) withDefaults() Options {
	o.Long = cmp.Or(o.Long, 5*time.Minute)
	o.Queue = cmp.Or(o.Queue, 0.05)
	o.Many = cmp.Or(o.Many, 400)
	o.Clock = cmp.Or(o.Clock, 2*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// lookPatience bounds one look. The statements of a look end earlier, by the server's own timeouts.
const lookPatience = 6 * time.Second

// examination is the examination of one database.
type examination struct {
	config   *config.Config
	options  Options
	ways     []*node.Way // those that connect; the first is looked through
	conn     *pgx.Conn   // of the first way
	role     string      // of that connection
	version  int         // of the server, as in server_version_num
	findings []Finding
	denied   []string // names of looks that the role may not take
}

// look is one kind of question to the database.
type look struct {
	name   string // for the finding that says that it could not be answered
	schema bool   // it needs schema rowcall
	find   func(context.Context, *examination, pgx.Tx) ([]Finding, error)
}

func looks() []look {
	return slices.Concat([]look{{"the server", false, lookAtServer}, {"schema rowcall", false, lookAtSchema}},
		roleLooks(), logLooks(), activityLooks(), settingLooks(), triggerLooks(),
		[]look{{"the configured topics, users, resources and functions", true, lookAtConfigured}, {"topics in the log", true, lookAtTopics}})
}

// Examine returns what it finds, the worst first. The error is one sentence for the operator: the database could not be
// looked at.
func Examine(ctx context.Context, c *config.Config, o Options) ([]Finding, error) {
	e := &examination{config: c, options: o.withDefaults()}
	if err := e.connect(ctx); err != nil {
		return nil, err
	}
	if e.conn == nil {
		return e.findings, nil
	}
	defer func() { e.conn.Close(context.WithoutCancel(ctx)) }()
	hasSchema := true
	for _, l := range looks() {
		if l.schema && !hasSchema {
			continue
		}
		found, err := e.run(ctx, l)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			hasSchema = hasSchema && f.Code != SchemaMissing && f.Code != ServerTooOld
		}
		e.findings = append(e.findings, found...)
	}
	e.tellDenied()
	slices.SortStableFunc(e.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.Severity.rank(), a.Severity.rank()), cmp.Compare(a.Code, b.Code))
	})
	return e.findings, nil
}

// run answers one look in a transaction of its own. What the database refuses becomes a finding; the error is that the
// database has gone away.
func (e *examination) run(ctx context.Context, l look) ([]Finding, error) {
	within, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	found, err := e.ask(within, l)
	if err == nil {
		return found, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && !e.conn.IsClosed() {
		return append(found, e.refuse(l, refused)...), nil
	}
	if within.Err() == nil && e.conn.IsClosed() {
		return nil, fmt.Errorf("the database at %s went away while it was looked at: %w", e.ways[0].Address, err)
	}
	if within.Err() == nil {
		return append(found, finding(LookFailed, "", l.name, "looking at "+l.name+": "+err.Error(), "")), nil
	}
	if e.conn.IsClosed() { // a statement was cut off
		if e.conn, err = e.ways[0].Connect(ctx); err != nil {
			return nil, err
		}
	}
	return append(found, finding(LookTimeout, "", l.name, "the database did not answer in time what was asked about "+l.name, "")), nil
}

// ask runs the statements of a look with short timeouts. They are set again for each transaction, because a pooler may
// have dropped those of the connection.
func (e *examination) ask(ctx context.Context, l look) (found []Finding, err error) {
	tx, err := e.conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, tx.Rollback(context.WithoutCancel(ctx))) }()
	const settle = `
		SELECT set_config('statement_timeout', '5s', true), set_config('lock_timeout', '1s', true),
		       set_config('search_path', 'pg_catalog, pg_temp', true)`
	if _, err := tx.Exec(ctx, settle); err != nil {
		return nil, err
	}
	return l.find(ctx, e, tx)
}

// refuse says that a look could not be answered.
func (e *examination) refuse(l look, refused *pgconn.PgError) []Finding {
	switch refused.Code {
	case "42501":
		e.denied = append(e.denied, l.name)
		return nil
	case "57014", "55P03":
		return []Finding{finding(LookTimeout, "", l.name, "the database did not answer in time what was asked about "+l.name+": "+refused.Message, "")}
	}
	return []Finding{finding(LookFailed, "", l.name, "looking at "+l.name+": "+refused.Message, "")}
}

// tellDenied says what the role may not see.
func (e *examination) tellDenied() {
	if len(e.denied) > 0 {
		e.findings = append(e.findings, finding(LookDenied, "", e.role, fmt.Sprintf("could not be examined as role %s: %s", quote(e.role), strings.Join(e.denied, ", ")),
			"run rowcall doctor as a role that may, such as the owner of schema rowcall"))
	}
}

// quote writes a name as an identifier of SQL.
func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// queryRows reads the rows of a query.
func queryRows[T any](ctx context.Context, tx pgx.Tx, scan pgx.RowToFunc[T], query string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}
