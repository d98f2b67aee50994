package api

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/api/problem"
	"rowcall/notifier"
)

// Names in braces are put in by UsersTable.spelling, once, at start.

const userByName = `
SELECT {id}::text, {username}::text, {first_name}, {staff}, {active}, coalesce({password}::text, '')
FROM {table} u WHERE {username} = $1 LIMIT 2`

// login is an account as a login sees it.
type login struct {
	account
	Active   bool
	Password string // its hash
}

// byUsername finds an account. One that does not exist is the zero login: no hash, so nothing fits.
func (u *users) byUsername(ctx context.Context, name string) (login, error) {
	if strings.ContainsRune(name, 0) {
		return login{}, nil // text in PostgreSQL has no NUL
	}
	rows, _ := u.pool.Query(ctx, u.byName, name)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[login])
	switch {
	case err != nil:
		return login{}, problem.OfDatabase("looking an account up", err)
	case len(found) > 1:
		return login{}, errors.New("looking an account up: two accounts have the same username")
	case len(found) == 0:
		return login{}, nil
	}
	return found[0], nil
}

const userByID = `
SELECT {id}::text, {username}::text, {first_name}, {staff}
FROM {table} u WHERE {id} = $1::text::{id_type} AND {active}`

// byID finds the active account with an id that came from outside, in whatever spelling: the
// account has it in the one that events and rules use. The error is problem.ErrUnauthorized when
// there is none.
func (u *users) byID(ctx context.Context, id string) (*account, error) {
	if !u.parseable(id) {
		return nil, fmt.Errorf("looking a user up: %w", problem.ErrUnauthorized)
	}
	if u.none {
		return &account{ID: id, Username: id}, nil
	}
	rows, _ := u.pool.Query(ctx, u.byKey, id)
	return theUser[account](rows)
}

// theUser reads the one row there should be. The error is problem.ErrUnauthorized when there is none.
func theUser[T any](rows pgx.Rows) (*T, error) {
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[T])
	switch {
	case errors.Is(err, pgx.ErrNoRows), unreadable(err):
		return nil, fmt.Errorf("looking a user up: %w", problem.ErrUnauthorized)
	case err != nil:
		return nil, problem.OfDatabase("looking a user up", err)
	}
	return found, nil
}

// unreadable reports whether PostgreSQL could not take a value for one of its type.
func unreadable(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && strings.HasPrefix(refused.Code, "22")
}

const userBySession = `
SELECT {id}::text, {username}::text, {first_name}, {staff}, s.data, sha256(convert_to({password}::text, 'UTF8'))
FROM rowcall.sessions s JOIN {table} u ON {id} = s.user_id::{id_type}
WHERE s.token_hash = $1 AND s.expires_at > now() AND {active}`

type sessionRow struct {
	account
	Data []byte
	Seal []byte
}

// bySession finds the active account that a session belongs to, and when the session must end.
// The error is problem.ErrUnauthorized when there is none.
func (u *users) bySession(ctx context.Context, tokenHash []byte) (*account, time.Time, error) {
	if u.none {
		return nil, time.Time{}, fmt.Errorf("looking a session up: there are no accounts: %w", problem.ErrUnauthorized)
	}
	rows, _ := u.pool.Query(ctx, u.session, tokenHash)
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[sessionRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, time.Time{}, fmt.Errorf("looking a session up: %w", problem.ErrUnauthorized)
	}
	if err != nil {
		return nil, time.Time{}, problem.OfDatabase("looking a session up", err)
	}
	held, err := decodeSession(row.Data)
	if err != nil || !held.sealedWith(row.Seal) {
		return nil, time.Time{}, fmt.Errorf("looking a session up: %w", problem.ErrUnauthorized)
	}
	return &row.account, held.Deadline, nil
}

const usersCurrent = `
SELECT q.n, {staff}, s.data, sha256(convert_to({password}::text, 'UTF8'))
FROM unnest($1::bytea[], $2::text[]) WITH ORDINALITY AS q (token_hash, user_id, n)
JOIN {table} u ON {id} = q.user_id::{id_type}
LEFT JOIN rowcall.sessions s
  ON s.token_hash = q.token_hash AND s.user_id = q.user_id AND s.expires_at > now()
WHERE {active}`

type currentRow struct {
	N     int64
	Staff bool
	Data  []byte
	Seal  []byte
}

// holds reports whether the session is still there and the password still the one it was opened with.
func (c currentRow) holds() bool {
	held, err := decodeSession(c.Data)
	return err == nil && held.sealedWith(c.Seal)
}

// standing is of a follower whose user is active. One without a session came with a token, which
// says what there is to say of staff for as long as it lasts.
func (c currentRow) standing(f notifier.Follower) Standing {
	if f.Session == borrowed {
		return Standing{Valid: true, Staff: c.Staff}
	}
	if f.Session == "" {
		return Standing{Valid: true, Staff: f.Staff}
	}
	valid := c.holds()
	return Standing{Valid: valid, Staff: valid && c.Staff}
}

// Standing is what has become of an identity.
type Standing struct {
	Valid bool // the user is active, and the session has not ended
	Staff bool // now
}

// Current tells of many followers at once, in their order, what has become of them, by statements
// begun after the call: one, and one more for each few hundred who came with a session of Django's. A follower without a session came with a token: its user must still be
// active. An anonymous one is always valid.
func (a *Accounts) Current(ctx context.Context, followers []notifier.Follower) ([]Standing, error) {
	standings := make([]Standing, len(followers))
	var asked askedUsers
	var site []int // the places of those who came with a session of Django's
	for i, f := range followers {
		standings[i].Valid = f.User == ""
		switch {
		case f.User == "" || !a.users.parseable(f.User):
		case a.django != nil && strings.HasPrefix(f.Session, djangoPrefix):
			site = append(site, i)
		default:
			asked.add(i, f)
		}
	}
	if err := a.askUsers(ctx, asked, followers, standings); err != nil {
		return nil, err
	}
	return standings, a.django.look(ctx, followers, site, standings)
}

// askUsers fills in what has become of all but those who came with a session of Django's.
func (a *Accounts) askUsers(ctx context.Context, asked askedUsers, followers []notifier.Follower, standings []Standing) error {
	switch {
	case len(asked.places) == 0:
		return nil
	case a.users.none:
		asked.standAlone(followers, standings)
		return nil
	}
	rows, _ := a.users.pool.Query(ctx, a.users.current, asked.tokenHashes, asked.ids)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[currentRow])
	if err != nil {
		return problem.OfDatabase("looking identities up again", err)
	}
	for _, row := range found {
		place := asked.places[row.N-1]
		standings[place] = row.standing(followers[place])
	}
	return nil
}

// askedUsers are the arguments of usersCurrent, and the followers they stand for.
type askedUsers struct {
	places      []int
	tokenHashes [][]byte
	ids         []string
}

// standAlone fills in what there is to say where there are no accounts: who came with a token is who it says for as long
// as it lasts, and a login is none.
func (q *askedUsers) standAlone(followers []notifier.Follower, standings []Standing) {
	for _, place := range q.places {
		f := followers[place]
		standings[place] = Standing{Valid: f.Session == "" || f.Session == borrowed, Staff: f.Session == "" && f.Staff}
	}
}

func (q *askedUsers) add(place int, f notifier.Follower) {
	tokenHash, _ := hex.DecodeString(f.Session) // of what is no session's name, no session is found
	q.places = append(q.places, place)
	q.tokenHashes = append(q.tokenHashes, tokenHash)
	q.ids = append(q.ids, f.User)
}
