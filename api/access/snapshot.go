package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"rowcall/api/problem"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
)

const (
	// failedTransaction is the SQLSTATE of a statement in a transaction that has failed before.
	failedTransaction = "25P02"
	// untranslatable is the SQLSTATE of a text that the encoding of the database cannot hold.
	untranslatable = "22P05"
)

// State reads a topic's present state as a JSON array within tx. It reports whether the rule's limit
// has cut the array. The errors are notifier.ErrNoSnapshot, notifier.ErrReadAgain, problem.ErrNotFound,
// problem.ErrUnfit and those of the database.
func (r *Rules) State(ctx context.Context, tx pgx.Tx, q notifier.Question) (state json.RawMessage, truncated bool, err error) {
	found, values := r.find(q.Topic)
	if found == nil || found.snapshot.query.Load() == nil {
		return nil, false, notifier.ErrNoSnapshot
	}
	arguments, err := r.stateArguments(ctx, tx, q, found, values)
	if err != nil {
		return nil, false, err
	}
	if _, err := tx.Exec(ctx, "SET LOCAL TimeZone TO 'UTC'"); err != nil {
		return nil, false, problem.OfDatabase("setting the time zone", err)
	}
	var text string
	attempts := 0
	err = found.snapshot.item.Do(ctx, func() error {
		if attempts++; attempts > 1 {
			return notifier.ErrReadAgain // the transaction has failed
		}
		sql, all, err := found.snapshot.query.Load().statement(q.Filter, arguments)
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, sql, all...).Scan(&text, &truncated)
	})
	if errors.Is(err, notifier.ErrReadAgain) || errors.Is(err, problem.ErrUnfit) || errors.Is(err, problem.ErrFilter) {
		return nil, false, err
	}
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && q.Filter != nil && refused.Code == untranslatable {
		return nil, false, problem.Explain(problem.ErrFilter, "where: a text has a character that the encoding of the database lacks")
	}
	if found.unreadable(err) {
		r.debugUnreadable(found, err)
		return nil, false, problem.ErrNotFound
	}
	if err != nil {
		return nil, false, problem.OfDatabase("reading a topic's state", err)
	}
	return json.RawMessage(text), truncated, nil
}

// stateArguments looks the follower up within tx, and returns the arguments of the snapshot query.
func (r *Rules) stateArguments(ctx context.Context, tx pgx.Tx, q notifier.Question, of *topicRule, values []string) ([]any, error) {
	// The staff flag is looked up again: the flag of the handshake may be out of date.
	now, err := r.users.CurrentWithin(ctx, tx, []notifier.Follower{q.Follower})
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code == failedTransaction {
		return nil, notifier.ErrReadAgain // the statement was prepared anew, and did not run again
	}
	if err != nil {
		return nil, err
	}
	return r.arguments(of, values, q.Follower, now[0].Valid && now[0].Staff)
}

// snapshotQuery is the snapshot SQL of a rule, wrapped so that it returns one JSON array, and whether
// the array lacks rows.
type snapshotQuery struct {
	sql      string
	filtered *filteredSnapshot // nil: the topic takes no filters
}

// statement returns the SQL that reads the rows of a filter, which is an *Filter or nil, with its arguments. A filtered
// statement differs from filter to filter, so it is not kept prepared.
func (q *snapshotQuery) statement(with any, arguments []any) (string, []any, error) {
	f, _ := with.(*Filter)
	if f == nil {
		return q.sql, arguments, nil
	}
	if q.filtered == nil {
		return "", nil, errNotFilterable()
	}
	own, err := f.condition.Bind(q.filtered.Columns)
	if err != nil {
		return "", nil, explainFilter(err)
	}
	where, values := own.Where(q.filtered.Row, len(arguments)+1)
	all := slices.Concat([]any{pgx.QueryExecModeDescribeExec}, arguments, values)
	return q.filtered.sql(where), all, nil
}

// filteredSnapshot is a snapshot into which the condition of a filter is put. Limit and order apply to the rows that
// fulfil it.
type filteredSnapshot struct {
	rules.Filterable
	head, tail boundSQL
	shown      string // the columns
	parameters []parameter
	limit      int
	edition    int
}

func (s *filteredSnapshot) sql(where string) string {
	whole := boundSQL{text: s.head.text + "\n" + s.Word + " " + where + "\n" + s.tail.text, row: s.head.row}
	return withEdition(snapshotSQL("SELECT "+s.shown+" "+snapshotRows(whole, s.parameters), s.limit), s.edition)
}

// compileSnapshot returns nil if no SQL is configured.
func compileSnapshot(ctx context.Context, pool *dbconn.Pool, source rules.Topic, parameters []parameter, edition int) (*snapshotQuery, error) {
	if strings.TrimSpace(source.Snapshot) == "" {
		return nil, nil
	}
	bound, err := bindParameters(source.Snapshot, parameters)
	if err != nil {
		return nil, err
	}
	rows := snapshotRows(bound, parameters)
	columns, err := bound.describe(ctx, pool, "SELECT s.* "+rows)
	if err != nil {
		return nil, err
	}
	if err := checkNamesDiffer(columns); err != nil {
		return nil, err
	}
	nested, err := columnsWithInstants(ctx, pool, columns)
	if err != nil {
		return nil, err
	}
	shown := shownColumns(columns, nested)
	sql := snapshotSQL("SELECT "+shown+" "+rows, source.SnapshotLimit)
	q := &snapshotQuery{sql: withEdition(sql, edition)}
	if source.Filterable != nil {
		q.filtered = &filteredSnapshot{Filterable: *source.Filterable, shown: shown, parameters: parameters, limit: source.SnapshotLimit, edition: edition}
		var err1, err2 error
		q.filtered.head, err1 = bindParametersOf(bound.row, source.Filterable.Head, parameters)
		q.filtered.tail, err2 = bindParametersOf(bound.row, source.Filterable.Tail, parameters)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
	}
	_, err = bound.describe(ctx, pool, q.sql)
	return q, err
}

// SnapshotColumns asks PostgreSQL to describe the snapshot of a rule, and returns its columns: none if the rule has no snapshot.
// users is the kind of user ids. The error says what is wrong with the SQL; it is problem.ErrUnavailable if the database does
// not answer.
func SnapshotColumns(ctx context.Context, pool *dbconn.Pool, source rules.Topic, users topic.Kind) ([]pgconn.FieldDescription, error) {
	if strings.TrimSpace(source.Snapshot) == "" {
		return nil, nil
	}
	values := parameters(source, users)
	bound, err := bindParameters(source.Snapshot, values)
	if err != nil {
		return nil, err
	}
	columns, err := bound.describe(ctx, pool, "SELECT s.* "+snapshotRows(bound, values))
	if err != nil {
		return nil, err
	}
	return columns, checkNamesDiffer(columns)
}

// snapshotRows is a FROM clause that evaluates the configured statement beside one row of
// parameters.
func snapshotRows(bound boundSQL, parameters []parameter) string {
	columns := make([]string, len(parameters))
	for i, p := range parameters {
		columns[i] = fmt.Sprintf("$%d::%s AS %s", i+1, p.sqlType, pgx.Identifier{p.name}.Sanitize())
	}
	return fmt.Sprintf("FROM (SELECT %s) AS %s CROSS JOIN LATERAL %s AS s", strings.Join(columns, ", "), bound.row, bound.inLines())
}

// columnsWithInstants returns, for each column, whether its values contain times with a zone.
func columnsWithInstants(ctx context.Context, pool *dbconn.Pool, columns []pgconn.FieldDescription) (nested []bool, err error) {
	types := make([]uint32, len(columns))
	for i, column := range columns {
		types[i] = column.DataTypeOID
	}
	const sql = `SELECT coalesce(array_agg(rowcall.holds_instants(type) ORDER BY place), '{}') FROM unnest($1::oid[]) WITH ORDINALITY t (type, place)`
	if err := pool.QueryRow(ctx, sql, types).Scan(&nested); err != nil {
		return nil, problem.OfDatabase("asking the catalog for types", err)
	}
	return nested, nil
}

// shownColumns writes points in time as the triggers write them in events, also within the columns
// that are nested.
func shownColumns(columns []pgconn.FieldDescription, nested []bool) string {
	shown := make([]string, len(columns))
	for i, column := range columns {
		name := pgx.Identifier{column.Name}.Sanitize()
		shown[i] = "s." + name
		switch {
		case column.DataTypeOID == pgtype.TimestamptzOID:
			shown[i] = fmt.Sprintf("rowcall.iso(s.%s) AS %[1]s", name)
		case nested[i]:
			shown[i] = fmt.Sprintf("rowcall.json_with_iso(s.%s) AS %[1]s", name)
		}
	}
	return strings.Join(shown, ", ")
}

// snapshotSQL makes an array of the rows of a SELECT, in their order, and reports whether there are more
// than limit, which is 0 for any number of rows. It reads one row more than limit to know that. The form
// r.* means the whole row whatever the columns are called; r alone would mean a column of that name.
func snapshotSQL(rows string, limit int) string {
	if limit == 0 {
		return fmt.Sprintf("SELECT coalesce(json_agg(r.*), '[]')::text, false FROM (%s) AS r", rows)
	}
	return fmt.Sprintf(`WITH up_to_one_more AS MATERIALIZED (%s LIMIT %d)
SELECT coalesce(json_agg(r.*), '[]')::text, (SELECT count(*) > %[3]d FROM up_to_one_more)
FROM (SELECT * FROM up_to_one_more LIMIT %[3]d) AS r`, rows, limit+1, limit)
}
