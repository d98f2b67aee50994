package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/problem"
)

// UsersTable names the table of accounts and its columns, in the spelling the catalog has. The
// names come from the configuration and are quoted; nothing of a request ever becomes one.
type UsersTable struct {
	Table    string // with or without a schema and a dot before it; "-" if there are no accounts; users
	ID       string // id
	Username string // username
	Password string // bcrypt, or Django's pbkdf2_sha256; password
	Active   string // a boolean; is_active; "-" if there is no such column: all are active
	Staff    string // a boolean; is_staff; "-" if there is no such column: nobody is staff
}

// noColumn stands for a column that the table does not have, and for the table itself.
const noColumn = "-"

func (t UsersTable) withDefaults() UsersTable {
	return UsersTable{
		Table:    cmp.Or(t.Table, "users"),
		ID:       cmp.Or(t.ID, "id"),
		Username: cmp.Or(t.Username, "username"),
		Password: cmp.Or(t.Password, "password"),
		Active:   cmp.Or(t.Active, "is_active"),
		Staff:    cmp.Or(t.Staff, "is_staff"),
	}
}

// account is one row of the users table.
type account struct {
	ID        string
	Username  string
	FirstName *string // nil where the table has no such column
	Staff     bool
}

// users reads the users table. Where there is none, nobody can log in, and the subject of a bearer token is a user's
// id as it stands.
type users struct {
	pool    *pgxpool.Pool
	none    bool // there is no table
	whole   bool // ids are whole numbers
	sample  string
	spell   *strings.Replacer // for other statements about the table
	byName  string
	byKey   string
	session string
	current string
}

// openUsers finds the table and prepares its statements. The error says what is missing.
func openUsers(ctx context.Context, pool *pgxpool.Pool, t UsersTable) (*users, error) {
	t = t.withDefaults()
	if t.Table == noColumn {
		return &users{pool: pool, none: true}, nil
	}
	shape, err := lookUpShape(ctx, pool, t)
	if err != nil {
		return nil, fmt.Errorf("looking at the users table %s: %w", t.Table, err)
	}
	spell := t.spelling(shape)
	u := &users{
		pool:    pool,
		whole:   shape.whole(),
		spell:   spell,
		byName:  spell.Replace(userByName),
		byKey:   spell.Replace(userByID),
		session: spell.Replace(userBySession),
		current: spell.Replace(usersCurrent),
	}
	for _, sql := range []string{u.byName, u.byKey, u.session, u.current} {
		if err := tryPrepare(ctx, pool, sql); err != nil {
			return nil, fmt.Errorf("preparing to read the users table %s: %w", t.Table, err)
		}
	}
	u.sample, err = samplePassword(ctx, pool, spell.Replace(somePassword))
	return u, err
}

// shape is what the catalog knows of the users table.
type shape struct {
	Table     string // qualified and quoted
	IDType    string
	FirstName bool
}

const tableShape = `
SELECT format('%I.%I', n.nspname, c.relname),
       coalesce((SELECT format_type(a.atttypid, NULL) FROM pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped), ''),
       EXISTS (SELECT FROM pg_attribute a
               WHERE a.attrelid = c.oid AND a.attname = 'first_name' AND a.attnum > 0 AND NOT a.attisdropped)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass($1)`

func lookUpShape(ctx context.Context, pool *pgxpool.Pool, t UsersTable) (shape, error) {
	name := pgx.Identifier(strings.Split(t.Table, ".")).Sanitize()
	rows, _ := pool.Query(ctx, tableShape, name, t.ID)
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[shape])
	if errors.Is(err, pgx.ErrNoRows) {
		return found, errors.New("there is no such table; auth.users.table names it")
	}
	if err != nil {
		return found, problem.OfDatabase("asking the catalog", err)
	}
	if found.IDType == "" {
		return found, fmt.Errorf("there is no column %s; auth.users.id names the key", t.ID)
	}
	return found, nil
}

// whole reports whether ids are whole numbers.
func (s shape) whole() bool {
	return s.IDType == "smallint" || s.IDType == "integer" || s.IDType == "bigint"
}

// spelling puts the names into the statements below. Ids are compared in the column's own type, so
// that its index serves.
func (t UsersTable) spelling(s shape) *strings.Replacer {
	quote := func(column string) string { return "u." + pgx.Identifier{column}.Sanitize() }
	flag := func(column, otherwise string) string {
		if column == noColumn {
			return otherwise
		}
		return "coalesce(" + quote(column) + ", false)"
	}
	idType, firstName := s.IDType, "NULL::text"
	if s.whole() {
		idType = "bigint"
	}
	if s.FirstName {
		firstName = quote("first_name") + "::text"
	}
	return strings.NewReplacer(
		"{table}", s.Table, "{id}", quote(t.ID), "{id_type}", idType,
		"{username}", quote(t.Username), "{password}", quote(t.Password),
		"{active}", flag(t.Active, "true"), "{staff}", flag(t.Staff, "false"),
		"{first_name}", firstName,
	)
}

func tryPrepare(ctx context.Context, pool *pgxpool.Pool, sql string) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return problem.OfDatabase("connecting", err)
	}
	defer conn.Release()
	if _, err := conn.Conn().Prepare(ctx, "", sql); err != nil {
		return problem.OfDatabase("asking PostgreSQL", err)
	}
	return nil
}

// parseable reports whether an id that came from outside can be compared with the table's.
func (u *users) parseable(id string) bool {
	if !u.whole {
		return !strings.ContainsRune(id, 0) // text in PostgreSQL has no NUL
	}
	_, err := strconv.ParseInt(id, 10, 64)
	return err == nil
}

const somePassword = `
SELECT {password}::text FROM {table} u
WHERE {password}::text LIKE '$2%' OR {password}::text LIKE 'pbkdf2_sha256$%' ORDER BY {id} DESC LIMIT 1`

func samplePassword(ctx context.Context, pool *pgxpool.Pool, sql string) (sample string, err error) {
	err = pool.QueryRow(ctx, sql).Scan(&sample)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", problem.OfDatabase("looking for the kind of passwords in use", err)
	}
	return sample, nil
}

// shownUser is an account as its owner may see it.
type shownUser struct {
	ID        json.RawMessage `json:"id"`
	Username  string          `json:"username"`
	FirstName *string         `json:"first_name,omitempty"`
	Staff     bool            `json:"is_staff"`
}

// show is the answer of a login.
func (u *users) show(who *account) any { return map[string]shownUser{"user": u.shown(who)} }

// shown has an id that is a number where the table's are, as it is in events.
func (u *users) shown(who *account) shownUser {
	id := json.RawMessage(who.ID)
	if !u.whole {
		id, _ = json.Marshal(who.ID)
	}
	return shownUser{ID: id, Username: who.Username, FirstName: who.FirstName, Staff: who.Staff}
}
