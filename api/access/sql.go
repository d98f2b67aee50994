package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/api/problem"
	"rowcall/config/rules"
	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
)

// parameter is a name behind an @ in configured SQL, and its type.
type parameter struct{ name, sqlType string }

// sqlType is the type of PostgreSQL for the values of a kind.
func sqlType(k topic.Kind) string {
	switch k {
	case topic.KindInt:
		return "bigint"
	case topic.KindUUID:
		return "uuid"
	}
	return "text"
}

// boundSQL is configured SQL whose parameters are columns of a relation that it is evaluated beside.
// Values never become text of a statement.
type boundSQL struct {
	text    string
	row     string            // the relation, quoted; the configured SQL has no such name
	unbound *strings.Replacer // puts the names of parameters back
}

// bindParameters replaces each parameter in configured SQL by its column.
func bindParameters(sql string, allowed []parameter) (boundSQL, error) {
	return bindParametersOf(unusedName(sql), sql, allowed)
}

// bindParametersOf is bindParameters for a part of configured SQL, with the relation of the whole.
func bindParametersOf(row, sql string, allowed []parameter) (boundSQL, error) {
	column := func(name string) string { return row + "." + pgx.Identifier{name}.Sanitize() }
	names := make([]string, len(allowed))
	var back []string
	for i, p := range allowed {
		names[i] = p.name
		back = append(back, column(p.name), "@"+p.name)
	}
	text, err := rules.BindParameters(sql, names, column)
	return boundSQL{text, row, strings.NewReplacer(back...)}, err
}

// inLines is the text in the form in which statements hold it: on lines of its own, since it may end in a
// comment.
func (b boundSQL) inLines() string { return "(\n" + b.text + "\n)" }

// maxShownSQL is how many characters of configured SQL an error shows.
const maxShownSQL = 40

// placeOf says which place of the configured SQL a position within a statement stands for; an empty text
// if it lies outside. Positions count characters from 1.
func (b boundSQL) placeOf(statement string, position int32) string {
	begin := strings.Index(statement, b.inLines())
	characters := []rune(statement)
	if begin < 0 || position < 1 || int(position) > len(characters) {
		return ""
	}
	at := len(string(characters[:position-1])) - begin - len("(\n")
	if at < 0 || at > len(b.text) {
		return ""
	}
	before, behind := b.unbound.Replace(b.text[:at]), b.unbound.Replace(b.text[at:])
	line := strings.Count(before, "\n") + 1
	character := utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:]) + 1
	shown, _, _ := strings.Cut(behind, "\n")
	if short := []rune(shown); len(short) > maxShownSQL {
		shown = string(short[:maxShownSQL]) + "..."
	}
	return fmt.Sprintf("line %d, character %d of the SQL: %s", line, character, shown)
}

// explain returns what PostgreSQL says about a statement that holds the configured SQL, and where.
func (b boundSQL) explain(statement string, refused *pgconn.PgError) error {
	text := problem.StatementText(refused)
	if place := b.placeOf(statement, refused.Position); place != "" {
		text += "; " + place
	}
	return errors.New(text)
}

// unusedName is a quoted name of so many @ that it does not occur in the SQL.
func unusedName(sql string) string {
	name := "@"
	for strings.Contains(sql, pgx.Identifier{name}.Sanitize()) {
		name += "@"
	}
	return pgx.Identifier{name}.Sanitize()
}

// checkNamesDiffer returns an error if two columns have the same name: nothing would say which of
// the two counts.
func checkNamesDiffer(columns []pgconn.FieldDescription) error {
	seen := map[string]bool{}
	for _, column := range columns {
		if seen[column.Name] {
			return fmt.Errorf("it has two columns called %q: give one another name with AS", column.Name)
		}
		seen[column.Name] = true
	}
	return nil
}

// describe has PostgreSQL prepare and plan a statement, and returns its columns. Planning checks the
// rights that the statement needs. An error of PostgreSQL is for the operator, who wrote the SQL; the
// error is problem.ErrUnavailable if there is no answer.
func (b boundSQL) describe(ctx context.Context, pool *dbconn.Pool, sql string) (columns []pgconn.FieldDescription, err error) {
	err = pool.Use(ctx, func(c *pgx.Conn) error {
		statement, err := c.PgConn().Prepare(ctx, "", sql, nil)
		if err != nil {
			return err
		}
		columns = statement.Fields
		nothing := make([][]byte, len(statement.ParamOIDs))
		planned := c.PgConn().ExecParams(ctx, "EXPLAIN "+sql, nothing, statement.ParamOIDs, nil, nil).Read()
		return missingGrant(planned.Err, cmp.Or(c.PgConn().ParameterStatus("session_authorization"), c.Config().User))
	})
	if err == nil {
		return columns, nil
	}
	failed := problem.OfDatabase("preparing it", err)
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && !errors.Is(failed, problem.ErrUnavailable) {
		return nil, b.explain(sql, refused)
	}
	return nil, failed
}

// missingGrant returns an error that names the role that lacks a right; nil for any other error. The
// others do not matter: the statement is planned without values, so that a function that the planner
// calls may fail although it would not fail for a follower.
func missingGrant(err error, role string) error {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || refused.Code != problem.StateDenied {
		return nil
	}
	more := *refused
	more.Message = fmt.Sprintf("%s; grant it to %s, the role that serves, or to rowcall_server", refused.Message, role)
	return &more
}

// unreadable reports whether a statement of a rule failed because of a value. If the topics of the
// rule have parameters, such a value is taken for one of them: anybody can ask for any topic, so that
// the error is neither a defect nor worth a line of the log. So is a claim that the SQL cannot convert,
// which must not fail the questions of others.
func (t *topicRule) unreadable(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && problem.IsValueError(refused) && (t.claims || len(t.pattern.Parameters()) > 0)
}

// debugUnreadable logs why there is no such topic.
func (r *Rules) debugUnreadable(t *topicRule, err error) {
	if r.Log != nil {
		r.Log.Debug("a statement could not use a value of a topic: there is no such topic", "topic", t.source.Topic, "err", err)
	}
}
