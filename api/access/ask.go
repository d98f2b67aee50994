package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"golang.org/x/sync/errgroup"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
)

// Ask answers questions in their order, in snapshots taken after the call began. One statement looks
// all the followers up again, and one for each rule with access SQL answers all its questions.
// Anonymous followers learn only what is public: the answer to everything else is
// problem.ErrUnauthorized, whether the topic exists or not. Where nobody can log in, an unknown topic is
// problem.ErrNotFound. Where the SQL of a rule does not fit the database any more, its questions have no
// answer, which is problem.ErrUnfit; the others have theirs.
func (r *Rules) Ask(ctx context.Context, asked []notifier.Question) ([]notifier.Grant, error) {
	followers := make([]notifier.Follower, len(asked))
	for i, q := range asked {
		followers[i] = q.Follower
	}
	standings, err := r.users.Current(ctx, followers)
	if err != nil {
		return nil, err
	}
	grants := make([]notifier.Grant, len(asked))
	groups := map[*topicRule]*questionGroup{}
	for i, q := range asked {
		grants[i].Err = r.answerOrGroup(groups, i, q, standings[i])
	}
	return grants, r.answerGroups(ctx, groups, grants)
}

// answerOrGroup returns the answer to a question that needs no SQL of its own, and otherwise adds the
// question to the group of its rule.
func (r *Rules) answerOrGroup(groups map[*topicRule]*questionGroup, place int, q notifier.Question, now identity.Standing) error {
	found, values := r.find(q.Topic)
	anonymous := q.Follower.User == ""
	switch {
	case !now.Valid:
		return problem.ErrUnauthorized
	case found == nil:
		return r.UnknownTopic(anonymous)
	case anonymous && found.source.Allow != rules.AllowPublic:
		return problem.ErrUnauthorized
	case found.source.Allow.StaffOnly() && !now.Staff:
		return problem.ErrForbidden
	}
	arguments, err := r.arguments(found, values, q.Follower, now.Staff)
	if err != nil {
		return err
	}
	if found.access.query.Load() == nil {
		return nil
	}
	if groups[found] == nil {
		groups[found] = &questionGroup{rule: found}
	}
	groups[found].add(place, arguments)
	return nil
}

// UnknownTopic is the answer to a follower of a topic that does not exist. An anonymous follower is told to
// log in, as for topics that do exist, unless nobody can.
func (r *Rules) UnknownTopic(anonymous bool) error {
	if anonymous && r.users.AnyoneCanLogIn() {
		return problem.ErrUnauthorized
	}
	return problem.ErrNotFound
}

// answerGroups runs the statements of all groups at the same time. Each writes grants of its own.
func (r *Rules) answerGroups(ctx context.Context, groups map[*topicRule]*questionGroup, grants []notifier.Grant) error {
	running, ctx := errgroup.WithContext(ctx)
	for _, group := range groups {
		running.Go(func() error {
			err := group.rule.access.item.Do(ctx, func() error {
				group.query = group.rule.access.query.Load()
				return r.answerGroup(ctx, group, grants)
			})
			switch {
			case errors.Is(err, problem.ErrUnfit):
				group.refuse(grants, err) // the questions about other rules have answers
			case err != nil:
				return problem.OfDatabase("asking access", err)
			}
			return nil
		})
	}
	return running.Wait()
}

// answerGroup answers the questions of a group. A question with a value that the statement cannot
// convert is problem.ErrNotFound, and must not fail the others: the group is halved until the
// question stands alone.
func (r *Rules) answerGroup(ctx context.Context, group *questionGroup, grants []notifier.Grant) error {
	err := group.answer(ctx, r.pool, grants)
	if !group.rule.unreadable(err) {
		return err
	}
	group.refuse(grants, problem.ErrNotFound)
	if len(group.places) == 1 {
		r.debugUnreadable(group.rule, err)
		return nil
	}
	for _, half := range group.halves() {
		if err := r.answerGroup(ctx, half, grants); err != nil {
			return err
		}
	}
	return nil
}

// questionGroup holds the questions to one accessQuery, and the places of their answers.
type questionGroup struct {
	rule   *topicRule
	query  *accessQuery
	places []int
	arrays [][]any // by parameter, then by question
}

func (g *questionGroup) add(place int, arguments []any) {
	g.places = append(g.places, place)
	if g.arrays == nil {
		g.arrays = make([][]any, len(arguments))
	}
	for i, a := range arguments {
		g.arrays[i] = append(g.arrays[i], a)
	}
}

// halves splits a group of several questions.
func (g *questionGroup) halves() []*questionGroup {
	middle := len(g.places) / 2
	first := &questionGroup{rule: g.rule, query: g.query, places: g.places[:middle]}
	second := &questionGroup{rule: g.rule, query: g.query, places: g.places[middle:]}
	for _, array := range g.arrays {
		first.arrays = append(first.arrays, array[:middle])
		second.arrays = append(second.arrays, array[middle:])
	}
	return []*questionGroup{first, second}
}

// refuse answers all questions with an error.
func (g *questionGroup) refuse(grants []notifier.Grant, err error) {
	for _, place := range g.places {
		grants[place] = notifier.Grant{Err: err}
	}
}

// answer asks the questions and puts the grants in their places. A question that gets several rows
// is granted what any of the rows grants; a question without a row is problem.ErrNotFound.
func (g *questionGroup) answer(ctx context.Context, pool *dbconn.Pool, grants []notifier.Grant) error {
	arguments := make([]any, len(g.arrays))
	for i, array := range g.arrays {
		arguments[i] = array
	}
	g.refuse(grants, problem.ErrNotFound)
	rows, _ := pool.Query(ctx, g.query.sql, arguments...)
	defer rows.Close()
	for rows.Next() {
		number, flags, err := g.query.scan(rows)
		if err != nil {
			return fmt.Errorf("reading answers of access: %w", err)
		}
		g.query.addTo(&grants[g.places[number-1]], flags)
	}
	return rows.Err()
}

// accessQuery is the access SQL of a rule, for any number of questions at once. It has a row of
// parameters for each question, and joins to it the rows that the configured statement gives for
// these parameters.
type accessQuery struct {
	sql     string
	columns []string // of the configured statement, all booleans, in their order
	allowed int      // the place of the column that decides; the others are roles
}

// columnAllowed is the name of the column that decides.
const columnAllowed = "allowed"

// compileAccess returns nil if no SQL is configured.
func compileAccess(ctx context.Context, pool *dbconn.Pool, source string, parameters []parameter, edition int) (*accessQuery, error) {
	if strings.TrimSpace(source) == "" {
		return nil, nil
	}
	bound, err := bindParameters(source, parameters)
	if err != nil {
		return nil, err
	}
	q := new(accessQuery)
	columns, err := bound.describe(ctx, pool, withEdition(accessSQL(bound, parameters, nil), edition))
	if err != nil {
		return nil, err
	}
	if err := checkNamesDiffer(columns[1:]); err != nil {
		return nil, err
	}
	for _, column := range columns[1:] {
		if column.DataTypeOID != pgtype.BoolOID {
			return nil, fmt.Errorf("column %q is not a boolean: access answers allowed, and roles", column.Name)
		}
		q.columns = append(q.columns, column.Name)
	}
	if q.allowed = slices.Index(q.columns, columnAllowed); q.allowed < 0 {
		return nil, errors.New("it has no column allowed")
	}
	q.sql = withEdition(accessSQL(bound, parameters, q.columns), edition)
	_, err = bound.describe(ctx, pool, q.sql)
	return q, err
}

// accessSQL numbers the questions itself, in a column # that configured SQL does not see. It selects the
// answer's columns by their names, so that a view that is made anew with other columns cannot be read with
// the meaning of the earlier ones; nil selects all of them, to learn the names.
func accessSQL(bound boundSQL, parameters []parameter, names []string) string {
	arrays, columns := make([]string, len(parameters)), make([]string, len(parameters))
	for i, p := range parameters {
		arrays[i] = fmt.Sprintf("$%d::%s[]", i+1, p.sqlType)
		columns[i] = pgx.Identifier{p.name}.Sanitize()
	}
	selected := []string{`"answer".*`}
	if names != nil {
		selected = nil
	}
	for _, name := range names {
		selected = append(selected, pgx.Identifier{"answer", name}.Sanitize())
	}
	return fmt.Sprintf(`SELECT %[1]s."#", %[5]s
FROM unnest(%[2]s) WITH ORDINALITY AS %[1]s (%[3]s, "#")
CROSS JOIN LATERAL %[4]s AS "answer"`, bound.row, strings.Join(arrays, ", "), strings.Join(columns, ", "), bound.inLines(), strings.Join(selected, ", "))
}

// scan reads a row: the number of its question, from 1, and the columns of the configured statement.
func (q *accessQuery) scan(rows pgx.Rows) (number int64, flags []pgtype.Bool, err error) {
	flags = make([]pgtype.Bool, len(q.columns))
	into := []any{&number}
	for i := range flags {
		into = append(into, &flags[i])
	}
	return number, flags, rows.Scan(into...)
}

// addTo adds to a grant what a row says. NULL counts as false.
func (q *accessQuery) addTo(g *notifier.Grant, flags []pgtype.Bool) {
	if !flags[q.allowed].Bool {
		if g.Err != nil {
			g.Err = problem.ErrForbidden
		}
		return
	}
	g.Err = nil
	for i, role := range q.columns {
		if flags[i].Bool && i != q.allowed && !slices.Contains(g.Roles, role) {
			g.Roles = append(g.Roles, role)
		}
	}
}
