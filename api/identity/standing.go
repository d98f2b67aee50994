package identity

import (
	"context"
	"encoding/hex"
	"strings"

	"github.com/jackc/pgx/v5"

	"rowcall/api/problem"
	"rowcall/notifier"
)

const usersCurrent = `
SELECT q.n, {staff}, s.data, sha256(convert_to({password}::text, 'UTF8'))
FROM unnest($1::bytea[], $2::text[]) WITH ORDINALITY AS q (token_hash, user_id, n)
JOIN {table} u ON {id} = q.user_id::{id_type}
LEFT JOIN rowcall.sessions s
  ON s.token_hash = q.token_hash AND s.user_id = q.user_id AND s.expires_at > now()
WHERE {active}`

type standingRow struct {
	N     int64
	Staff bool
	Data  []byte
	Seal  []byte
}

// loginHolds reports whether the login still exists and the password is still the one it was
// created with.
func (c standingRow) loginHolds() bool {
	held, err := decodeLogin(c.Data)
	return err == nil && held.sealedWith(c.Seal)
}

// standingOf returns the standing of a follower whose user is active. Without a login the follower
// came with a bearer token, and the token's staff claim holds until it expires.
func (c standingRow) standingOf(f notifier.Follower) Standing {
	if f.Session == borrowed {
		return Standing{Valid: true, Staff: c.Staff}
	}
	if f.Session == "" {
		return Standing{Valid: true, Staff: f.Staff}
	}
	valid := c.loginHolds()
	return Standing{Valid: valid, Staff: valid && c.Staff}
}

// Standing is what has become of an identity that was found earlier.
type Standing struct {
	Valid bool // the user is active, and the login has not ended
	Staff bool // the user is staff now
}

// Lapsed returns why sockets of the follower must end: problem.ErrUnauthorized if the login is over or the
// user is not active, problem.ErrRightsChanged if the user has become staff or is no longer staff, nil
// if neither.
func (s Standing) Lapsed(f notifier.Follower) error {
	switch {
	case !s.Valid:
		return problem.ErrUnauthorized
	case s.Staff != f.Staff:
		return problem.ErrRightsChanged
	}
	return nil
}

// Current returns the standings of followers, in their order. It sends its statements after the
// call: one, and one more for every few hundred followers with a Django session. A follower without
// a login came with a bearer token, and holds while the user is active. An anonymous follower
// always holds.
func (a *Accounts) Current(ctx context.Context, followers []notifier.Follower) ([]Standing, error) {
	return a.current(ctx, a.users.pool, followers)
}

// CurrentWithin is Current in the snapshot of a transaction, on its connection: a caller that holds one
// connection of the pool must not wait for a second one, because all others may wait likewise. The error
// with SQLSTATE 25P02 means that the first try failed and the statement was prepared anew: read again in a
// new transaction.
func (a *Accounts) CurrentWithin(ctx context.Context, tx pgx.Tx, followers []notifier.Follower) ([]Standing, error) {
	return a.current(ctx, tx, followers)
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func (a *Accounts) current(ctx context.Context, q querier, followers []notifier.Follower) ([]Standing, error) {
	standings := make([]Standing, len(followers))
	var asked askedFollowers
	var site []int // the places of followers with a Django session
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
	if err := a.askDatabase(ctx, q, asked, followers, standings); err != nil {
		return nil, err
	}
	return standings, a.django.lookUpStandings(ctx, q, followers, site, standings)
}

// askDatabase fills in the standings of followers without a Django session.
func (a *Accounts) askDatabase(ctx context.Context, q querier, asked askedFollowers, followers []notifier.Follower, standings []Standing) error {
	switch {
	case len(asked.places) == 0:
		return nil
	case a.users.noTable:
		asked.answerWithoutUsers(followers, standings, a.operator)
		return nil
	}
	var found []standingRow
	err := a.users.item.Do(ctx, func() (err error) {
		rows, _ := q.Query(ctx, a.users.statements.Load().current, asked.tokenHashes, asked.ids)
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[standingRow])
		return err
	})
	if err != nil {
		return problem.OfDatabase("looking identities up again", err)
	}
	for _, row := range found {
		place := asked.places[row.N-1]
		standings[place] = row.standingOf(followers[place])
	}
	return nil
}

// askedFollowers are the arguments of usersCurrent, and the places of the followers that they are
// about.
type askedFollowers struct {
	places      []int
	tokenHashes [][]byte
	ids         []string
}

// answerWithoutUsers fills in the standings if there is no users table: bearer tokens hold until
// they expire, the operator, if there is one, is staff until the process ends, and there are no logins.
func (q *askedFollowers) answerWithoutUsers(followers []notifier.Follower, standings []Standing, operator *Operator) {
	for _, place := range q.places {
		f := followers[place]
		if operator != nil && f.Session == operatorLogin {
			standings[place] = Standing{Valid: true, Staff: true}
			continue
		}
		standings[place] = Standing{Valid: f.Session == "" || f.Session == borrowed, Staff: f.Session == "" && f.Staff}
	}
}

func (q *askedFollowers) add(place int, f notifier.Follower) {
	tokenHash, _ := hex.DecodeString(f.Session) // a text that is no login's name matches no login
	q.places = append(q.places, place)
	q.tokenHashes = append(q.tokenHashes, tokenHash)
	q.ids = append(q.ids, f.User)
}
