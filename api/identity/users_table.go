package identity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"rowcall/api/problem"
	"rowcall/config/rules"
	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
)

// UsersTable names the table of accounts and its columns. The names come from the configuration and
// are quoted; no part of a request ever becomes a name. Columns are spelled as in the catalog.
type UsersTable struct {
	Table    string // as rules.ParseName takes it; "-" if there are no accounts; users
	ID       string // id
	Username string // username
	Password string // bcrypt, or Django's pbkdf2_sha256; password; "-" if there is no such column: nobody logs in with a password
	Active   string // a boolean; is_active; "-" if there is no such column: all are active
	Staff    string // a boolean; is_staff; "-" if there is no such column: nobody is staff
}

// noColumn stands for a column that does not exist, and for a table that does not exist.
const noColumn = "-"

func (t UsersTable) withDefaults() UsersTable {
	return UsersTable{
		Table:    cmp.Or(t.Table, "users"),
		ID:       rules.ColumnName(cmp.Or(t.ID, "id")),
		Username: rules.ColumnName(cmp.Or(t.Username, "username")),
		Password: rules.ColumnName(cmp.Or(t.Password, "password")),
		Active:   rules.ColumnName(cmp.Or(t.Active, "is_active")),
		Staff:    rules.ColumnName(cmp.Or(t.Staff, "is_staff")),
	}
}

// usersField is a column that the configuration names, by the setting auth.users.{setting}.
type usersField struct {
	setting string
	column  string
	without string // when "-" may be set instead; empty: never
	flag    bool   // the column must be a boolean
}

func (t UsersTable) fields() []usersField {
	return []usersField{
		{setting: "id", column: t.ID},
		{setting: "username", column: t.Username},
		{setting: "password", column: t.Password, without: "where nobody logs in with a password"},
		{setting: "active", column: t.Active, without: "where all accounts are active", flag: true},
		{setting: "staff", column: t.Staff, without: "where nobody is staff", flag: true},
	}
}

// shape is what the catalog says about the users table.
type shape struct {
	Table   string   // qualified and quoted
	Columns []string // in the table's order
	Types   []string // of the columns, without lengths; of a domain, the type behind it
	Flags   []bool   // which columns are booleans, or domains over them
}

const tableShape = `
SELECT format('%I.%I', n.nspname, c.relname),
       array_agg(a.attname::text ORDER BY a.attnum), array_agg(format_type(b.oid, NULL) ORDER BY a.attnum),
       array_agg(t.typcategory = 'B' ORDER BY a.attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
CROSS JOIN ` + rules.TypeBehindDomain + ` b
WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
GROUP BY n.nspname, c.relname`

// lookUpShape finds the table and its columns. The error names the settings that do not fit it.
func lookUpShape(ctx context.Context, pool *dbconn.Pool, t UsersTable) (shape, error) {
	rows, _ := pool.Query(ctx, tableShape, rules.QuotedName(t.Table))
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[shape])
	if errors.Is(err, pgx.ErrNoRows) {
		return found, fmt.Errorf("%w: set auth.users.table to the name of the table of users, "+
			"with its schema and a dot in front where search_path does not find it, or to \"-\" where there are no accounts", rules.MissingName("table", t.Table))
	}
	if err != nil {
		return found, problem.OfDatabase("asking the catalog", err)
	}
	return found, found.check(t)
}

// check returns an error that lists the settings whose column is missing or of a wrong type.
func (s shape) check(t UsersTable) error {
	var wrong []string
	for _, f := range t.fields() {
		if text := s.checkField(f); text != "" {
			wrong = append(wrong, text)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%s. The columns of the table are %s", strings.Join(wrong, "; "), strings.Join(s.Columns, ", "))
}

// checkField says what is wrong with the column of a setting; empty if nothing is.
func (s shape) checkField(f usersField) string {
	if f.column == noColumn && f.without != "" {
		return ""
	}
	otherwise := ""
	if f.without != "" {
		otherwise = fmt.Sprintf(", or to \"-\" %s", f.without)
	}
	at := slices.Index(s.Columns, f.column)
	switch {
	case at < 0:
		return fmt.Sprintf("there is no column %s: set auth.users.%s to a column of the table%s", f.column, f.setting, otherwise)
	case f.flag && !s.Flags[at]:
		return fmt.Sprintf("the column %s is of type %s: set auth.users.%s to a column of type boolean%s", f.column, s.Types[at], f.setting, otherwise)
	}
	return ""
}

// typeOf returns the type of a column; empty if there is no such column.
func (s shape) typeOf(column string) string {
	at := slices.Index(s.Columns, column)
	if at < 0 {
		return ""
	}
	return s.Types[at]
}

// spelling returns a replacer that puts the names into statements. Ids are compared in the column's
// own type, so that its index is used.
func (t UsersTable) spelling(s shape) *strings.Replacer {
	quote := func(column string) string { return "u." + pgx.Identifier{column}.Sanitize() }
	flag := func(column, otherwise string) string {
		if column == noColumn {
			return otherwise
		}
		return "coalesce(" + quote(column) + ", false)"
	}
	text := func(column string, there bool) string {
		if !there {
			return "NULL::text"
		}
		return quote(column) + "::text"
	}
	idType := s.typeOf(t.ID)
	if rules.KindOfIDs(idType) == topic.KindInt {
		idType = "bigint"
	}
	return strings.NewReplacer(
		"{table}", s.Table, "{id}", quote(t.ID), "{id_type}", idType,
		"{username}", quote(t.Username), "{password}", text(t.Password, t.Password != noColumn),
		"{active}", flag(t.Active, "true"), "{staff}", flag(t.Staff, "false"),
		"{first_name}", text("first_name", slices.Contains(s.Columns, "first_name")),
	)
}
