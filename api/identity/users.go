package identity

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/api/problem"
	"rowcall/api/upkeep"
	"rowcall/config/rules"
	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
)

// account is a row of the users table.
type account struct {
	ID        string
	Username  string
	FirstName *string // nil where the table has no such column
	Staff     bool
}

// users reads the users table. Without a table nobody can log in, and the subject of a bearer token
// is the user's id, unchanged.
type users struct {
	pool           *dbconn.Pool
	noTable        bool       // there is no table
	noPasswords    bool       // the table has no column of passwords
	kind           topic.Kind // of ids
	samplePassword string
	statements     atomic.Pointer[userStatements] // as the table was last
	item           *upkeep.Item                   // nil without a table
}

// userStatements are the statements about the users table.
type userStatements struct {
	names   *strings.Replacer // puts the names into other statements
	byName  string
	byID    string
	byLogin string
	current string
}

// openUsers finds the table and prepares the statements about it. The error says what is missing.
// Without a table, ids are of the kind otherwise.
func openUsers(ctx context.Context, pool *dbconn.Pool, t UsersTable, otherwise topic.Kind) (*users, error) {
	t = t.withDefaults()
	if t.Table == noColumn {
		return &users{pool: pool, noTable: true, kind: cmp.Or(otherwise, topic.KindText)}, nil
	}
	u, err := openUsersTable(ctx, pool, t)
	return u, missingGrant(err, t.Table)
}

// missingGrant adds to an error about a missing right what the role needs.
func missingGrant(err error, table string) error {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || refused.Code != problem.StateDenied {
		return err
	}
	return fmt.Errorf("reading the users table %s: %s: the role that serves, or rowcall_server, needs GRANT USAGE ON SCHEMA and GRANT SELECT ON TABLE", table, refused.Message)
}

func openUsersTable(ctx context.Context, pool *dbconn.Pool, t UsersTable) (*users, error) {
	first, kind, err := prepareUsers(ctx, pool, t)
	if err != nil {
		return nil, err
	}
	u := &users{pool: pool, noPasswords: t.Password == noColumn, kind: kind}
	u.statements.Store(first)
	u.item = upkeep.NewItem("auth.users", t.Table, func(ctx context.Context, fresh bool) (bool, error) { return u.renew(ctx, t, fresh) })
	u.samplePassword, err = findSamplePassword(ctx, pool, first.names.Replace(somePassword))
	return u, err
}

// prepareUsers makes the statements about the table as it is now, and has PostgreSQL check them. kind is
// that of ids.
func prepareUsers(ctx context.Context, pool *dbconn.Pool, t UsersTable) (s *userStatements, kind topic.Kind, err error) {
	shape, err := lookUpShape(ctx, pool, t)
	if err != nil {
		return nil, "", fmt.Errorf("looking at the users table %s: %w", t.Table, err)
	}
	spell := t.spelling(shape)
	s = &userStatements{
		names:   spell,
		byName:  spell.Replace(userByName),
		byID:    spell.Replace(userByID),
		byLogin: spell.Replace(userByLogin),
		current: spell.Replace(usersCurrent),
	}
	for _, sql := range []string{s.byName, s.byID, s.byLogin, s.current} {
		if err := tryPrepare(ctx, pool, sql); err != nil {
			return nil, "", fmt.Errorf("preparing to read the users table %s: %w", t.Table, err)
		}
	}
	return s, rules.KindOfIDs(shape.typeOf(t.ID)), nil
}

// renew makes the statements anew. Another kind of ids needs a restart: rules were compiled for the kind
// of the start.
func (u *users) renew(ctx context.Context, t UsersTable, fresh bool) (changed bool, err error) {
	now, kind, err := prepareUsers(ctx, u.pool, t)
	if err != nil {
		return false, missingGrant(err, t.Table)
	}
	if kind != u.kind {
		return false, fmt.Errorf("the ids in %s are of kind %s now, and were of kind %s when the node started: restart the node", t.Table, kind, u.kind)
	}
	before := u.statements.Swap(now)
	return fresh || before.current != now.current || before.byName != now.byName, nil
}

func tryPrepare(ctx context.Context, pool *dbconn.Pool, sql string) error {
	err := pool.Use(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Prepare(ctx, "", sql)
		return err
	})
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		err = fmt.Errorf("%s: %w", problem.StatementText(refused), err)
	}
	if err != nil {
		return problem.OfDatabase("asking PostgreSQL", err)
	}
	return nil
}

// parse brings an id from outside to its one spelling. It reports false if no user can have the id.
func (u *users) parse(id string) (string, bool) {
	switch u.kind {
	case topic.KindInt:
		n, err := strconv.ParseInt(id, 10, 64)
		return strconv.FormatInt(n, 10), err == nil
	case topic.KindUUID:
		return topic.KindUUID.Spell(id)
	}
	return id, !strings.ContainsRune(id, 0) // text in PostgreSQL has no NUL
}

// parseable reports whether an id from outside can be compared with the table's ids.
func (u *users) parseable(id string) bool {
	_, ok := u.parse(id)
	return ok
}

const somePassword = `
SELECT {password}::text FROM {table} u
WHERE {password}::text LIKE '$2%' OR {password}::text LIKE 'pbkdf2_sha256$%' ORDER BY {id} DESC LIMIT 1`

func findSamplePassword(ctx context.Context, pool *dbconn.Pool, sql string) (sample string, err error) {
	err = pool.QueryRow(ctx, sql).Scan(&sample)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", problem.OfDatabase("looking for the kind of passwords in use", err)
	}
	return sample, nil
}

// UsersTable.spelling replaces the names in braces, once, at start.

const userByName = `
SELECT {id}::text, {username}::text, {first_name}, {staff}, {active}, coalesce({password}::text, '')
FROM {table} u WHERE {username} = $1 LIMIT 2`

// passwordAccount is an account with what a password is checked against.
type passwordAccount struct {
	account
	Active   bool
	Password string // the hash
}

// byUsername returns an account; the zero passwordAccount, whose hash no password matches, if it
// does not exist.
func (u *users) byUsername(ctx context.Context, name string) (passwordAccount, error) {
	if strings.ContainsRune(name, 0) {
		return passwordAccount{}, nil // text in PostgreSQL has no NUL
	}
	var found []passwordAccount
	err := u.item.Do(ctx, func() (err error) {
		rows, _ := u.pool.Query(ctx, u.statements.Load().byName, name)
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[passwordAccount])
		return err
	})
	switch {
	case unreadable(err):
		return passwordAccount{}, nil // the encoding of the database lacks a character
	case err != nil:
		return passwordAccount{}, problem.OfDatabase("looking an account up", err)
	case len(found) > 1:
		return passwordAccount{}, errors.New("looking an account up: two accounts have the same username")
	case len(found) == 0:
		return passwordAccount{}, nil
	}
	return found[0], nil
}

const userByID = `
SELECT {id}::text, {username}::text, {first_name}, {staff}
FROM {table} u WHERE {id} = $1::text::{id_type} AND {active}`

// byID returns the active account with an id from outside. The id may be spelled in another way
// than in the table: the account's id has the spelling that events and rules use. The error is
// problem.ErrUnauthorized if there is no such account.
func (u *users) byID(ctx context.Context, id string) (*account, error) {
	id, ok := u.parse(id)
	if !ok {
		return nil, fmt.Errorf("looking a user up: %w", problem.ErrUnauthorized)
	}
	if u.noTable {
		return u.withoutTable(ctx, id)
	}
	return oneUser[account](ctx, u.item, func() (pgx.Rows, error) { return u.pool.Query(ctx, u.statements.Load().byID, id) })
}

// withoutTable returns the account that a token of a node without accounts names. An id that the
// encoding of the database cannot hold is refused: questions of access could not be asked with it.
func (u *users) withoutTable(ctx context.Context, id string) (*account, error) {
	found := &account{ID: id, Username: id}
	if isASCII(id) {
		return found, nil
	}
	var held string
	err := u.pool.QueryRow(ctx, `SELECT $1::text`, id).Scan(&held)
	switch {
	case unreadable(err):
		return nil, fmt.Errorf("looking a user up: %w", problem.ErrUnauthorized)
	case err != nil:
		return nil, problem.OfDatabase("looking a user up", err)
	}
	return found, nil
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}

// oneUser reads the one row of a query. The error is problem.ErrUnauthorized if there is none.
func oneUser[T any](ctx context.Context, item *upkeep.Item, query func() (pgx.Rows, error)) (found *T, err error) {
	err = item.Do(ctx, func() error {
		rows, _ := query() // the error is the rows' too
		found, err = pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[T])
		return err
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows), unreadable(err):
		return nil, fmt.Errorf("looking a user up: %w", problem.ErrUnauthorized)
	case err != nil:
		return nil, problem.OfDatabase("looking a user up", err)
	}
	return found, nil
}

// unreadable reports whether PostgreSQL could not read a value as one of its type.
func unreadable(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && strings.HasPrefix(refused.Code, "22")
}

const userByLogin = `
SELECT {id}::text, {username}::text, {first_name}, {staff}, s.data, sha256(convert_to({password}::text, 'UTF8'))
FROM rowcall.sessions s JOIN {table} u ON {id} = s.user_id::{id_type}
WHERE s.token_hash = $1 AND s.expires_at > now() AND {active}`

type loginRow struct {
	account
	Data []byte
	Seal []byte
}

// byLogin returns the active account of a login, and when the login ends at the latest. The error
// is problem.ErrUnauthorized if there is no such login.
func (u *users) byLogin(ctx context.Context, tokenHash []byte) (*account, time.Time, error) {
	if u.noTable {
		return nil, time.Time{}, fmt.Errorf("looking a login up: there are no accounts: %w", problem.ErrUnauthorized)
	}
	var row *loginRow
	err := u.item.Do(ctx, func() (err error) {
		rows, _ := u.pool.Query(ctx, u.statements.Load().byLogin, tokenHash)
		row, err = pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[loginRow])
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, time.Time{}, fmt.Errorf("looking a login up: %w", problem.ErrUnauthorized)
	}
	if err != nil {
		return nil, time.Time{}, problem.OfDatabase("looking a login up", err)
	}
	held, err := decodeLogin(row.Data)
	if err != nil || !held.sealedWith(row.Seal) {
		return nil, time.Time{}, fmt.Errorf("looking a login up: %w", problem.ErrUnauthorized)
	}
	return &row.account, held.Deadline, nil
}

// ShownUser is an account as the user may see it.
type ShownUser struct {
	ID        json.RawMessage `json:"id"`
	Username  string          `json:"username"`
	FirstName *string         `json:"first_name,omitempty"`
	Staff     bool            `json:"is_staff"`
}

// answer returns the body of an answer about an account.
func (u *users) answer(who *account) any { return map[string]ShownUser{"user": u.shown(who)} }

// shown returns what the user may see of an account.
func (u *users) shown(who *account) ShownUser {
	return ShownUser{ID: u.encodeID(who.ID), Username: who.Username, FirstName: who.FirstName, Staff: who.Staff}
}

// encodeID returns a user's id as JSON, as it is in events: a number if the table's ids are whole
// numbers. It returns nil for an empty id.
func (u *users) encodeID(id string) json.RawMessage {
	if id == "" {
		return nil
	}
	if u.kind == topic.KindInt {
		return json.RawMessage(id)
	}
	return problem.MustEncodeJSON(id)
}

// EncodeID returns a user's id as JSON, as it is in events: a number if ids are whole numbers. It
// returns nil for an empty id.
func (a *Accounts) EncodeID(id string) json.RawMessage { return a.users.encodeID(id) }

// AnyoneCanLogIn reports whether there are users: accounts, subjects of bearer tokens, or an operator.
func (a *Accounts) AnyoneCanLogIn() bool {
	return !a.users.noTable || a.tokens != nil || a.operator != nil
}

// HasOperator reports whether whoever shows a one-time code is staff.
func (a *Accounts) HasOperator() bool { return a.operator != nil }

// UserKind is the kind of user ids.
func (a *Accounts) UserKind() topic.Kind { return a.users.kind }
