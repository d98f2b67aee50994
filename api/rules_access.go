package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/problem"
	"rowcall/notifier"
)

// accessQuery is a rule's access SQL, for any number of questions at once. It has a row of
// parameters per question, and beside each the rows that the configured statement gives for it.
type accessQuery struct {
	sql     string
	answers []string // the columns, all booleans, in order
	allowed int      // which of them decides
}

// columnAllowed is the column that decides; the others are roles.
const columnAllowed = "allowed"

// compileAccess returns nil where nothing is configured.
func compileAccess(ctx context.Context, pool *pgxpool.Pool, source string, names []parameter) (*accessQuery, error) {
	if strings.TrimSpace(source) == "" {
		return nil, nil
	}
	bound, err := bind(source, names)
	if err != nil {
		return nil, err
	}
	q := &accessQuery{sql: accessSQL(bound, names)}
	columns, err := describe(ctx, pool, q.sql)
	if err != nil {
		return nil, err
	}
	for _, column := range columns[1:] {
		if column.DataTypeOID != pgtype.BoolOID {
			return nil, fmt.Errorf("column %q is not a boolean: access answers allowed, and roles", column.Name)
		}
		q.answers = append(q.answers, column.Name)
	}
	if q.allowed = slices.Index(q.answers, columnAllowed); q.allowed < 0 {
		return nil, errors.New("it has no column allowed")
	}
	return q, nil
}

// accessSQL numbers the questions itself: the configured statement may know any other name. The
// last line stands alone, since the statement may end in a comment.
func accessSQL(bound string, names []parameter) string {
	arrays, columns := make([]string, len(names)), make([]string, len(names))
	for i, p := range names {
		arrays[i] = fmt.Sprintf("$%d::%s[]", i+1, p.sqlType)
		columns[i] = pgx.Identifier{p.name}.Sanitize()
	}
	return fmt.Sprintf(`SELECT %[1]s."#", "answer".*
FROM unnest(%[2]s) WITH ORDINALITY AS %[1]s (%[3]s, "#")
CROSS JOIN LATERAL (
%[4]s
) AS "answer"`, asked, strings.Join(arrays, ", "), strings.Join(columns, ", "), bound)
}

// describe has PostgreSQL prepare a statement and plan it, which asks for the rights it needs, and returns its columns.
// What PostgreSQL says of a wrong one is for the operator, who wrote it.
func describe(ctx context.Context, pool *pgxpool.Pool, sql string) (columns []pgconn.FieldDescription, err error) {
	err = pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		statement, err := c.Conn().PgConn().Prepare(ctx, "", sql, nil)
		if err != nil {
			return err
		}
		columns = statement.Fields
		nothing := make([][]byte, len(statement.ParamOIDs))
		planned := c.Conn().PgConn().ExecParams(ctx, "EXPLAIN "+sql, nothing, statement.ParamOIDs, nil, nil).Read()
		return ungranted(planned.Err, c.Conn().PgConn().ParameterStatus("session_authorization"))
	})
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return nil, errors.New(refused.Message)
	}
	if err != nil {
		return nil, problem.OfDatabase("preparing it", err)
	}
	return columns, nil
}

// ungranted names the role that lacks a right. What else planning says is no matter: without values, a function that
// the planner calls may have something to say that it would never say of a follower.
func ungranted(err error, role string) error {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || refused.Code != stateDenied {
		return nil
	}
	more := *refused
	more.Message = fmt.Sprintf("%s; grant it to %s, the role that serves, or to rowcall_server", refused.Message, role)
	return &more
}

// questions are what is asked of one accessQuery together, and where the answers belong.
type questions struct {
	query  *accessQuery
	places []int
	arrays [][]any // by parameter, then by question
}

func (q *questions) add(place int, arguments []any) {
	q.places = append(q.places, place)
	if q.arrays == nil {
		q.arrays = make([][]any, len(arguments))
	}
	for i, a := range arguments {
		q.arrays[i] = append(q.arrays[i], a)
	}
}

// answer asks them and puts the grants in their places. A question that gets several rows is
// granted what any of them grants.
func (q *questions) answer(ctx context.Context, pool *pgxpool.Pool, grants []notifier.Grant) error {
	arguments := make([]any, len(q.arrays))
	for i, array := range q.arrays {
		arguments[i] = array
	}
	for _, place := range q.places {
		grants[place].Err = problem.ErrNotFound
	}
	rows, _ := pool.Query(ctx, q.query.sql, arguments...)
	defer rows.Close()
	for rows.Next() {
		number, flags, err := q.query.scan(rows)
		if err != nil {
			return fmt.Errorf("reading answers of access: %w", err)
		}
		q.query.grant(&grants[q.places[number-1]], flags)
	}
	return rows.Err()
}

// scan reads one row: the number of its question, and the answers, of which NULL is no.
func (q *accessQuery) scan(rows pgx.Rows) (number int64, flags []pgtype.Bool, err error) {
	flags = make([]pgtype.Bool, len(q.answers))
	into := []any{&number}
	for i := range flags {
		into = append(into, &flags[i])
	}
	return number, flags, rows.Scan(into...)
}

// grant adds what one row says to an answer.
func (q *accessQuery) grant(g *notifier.Grant, flags []pgtype.Bool) {
	if !flags[q.allowed].Bool {
		if g.Err != nil {
			g.Err = problem.ErrForbidden
		}
		return
	}
	g.Err = nil
	for i, role := range q.answers {
		if flags[i].Bool && i != q.allowed && !slices.Contains(g.Roles, role) {
			g.Roles = append(g.Roles, role)
		}
	}
}
