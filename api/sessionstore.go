package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/problem"
)

// sessionStore keeps the sessions in rowcall.sessions: the hash of a token, never the token, and
// whose it is, so that all sessions of a user can be found and ended. A trigger there files an
// access event when a user's session goes.
type sessionStore struct{ pool *pgxpool.Pool }

var _ scs.CtxStore = (*sessionStore)(nil)

func hashOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// nameOf is how a session is called outside of its cookie. It is of no use as a token.
func nameOf(token string) string { return hex.EncodeToString(hashOf(token)) }

const findSession = `SELECT data FROM rowcall.sessions WHERE token_hash = $1 AND expires_at > now()`

// FindCtx reads a session's data.
func (s *sessionStore) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	err = s.pool.QueryRow(ctx, findSession, hashOf(token)).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, problem.OfDatabase("reading a session", err)
	}
	return data, true, nil
}

const commitSession = `
INSERT INTO rowcall.sessions (token_hash, user_id, data, expires_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (token_hash) DO UPDATE SET user_id = EXCLUDED.user_id, data = EXCLUDED.data, expires_at = EXCLUDED.expires_at`

// CommitCtx writes a session. The user is taken from the data.
func (s *sessionStore) CommitCtx(ctx context.Context, token string, data []byte, expires time.Time) error {
	held, err := decodeSession(data)
	if err != nil {
		return err
	}
	var user *string
	if id := held.Values[sessionUser]; id != "" {
		user = &id
	}
	if _, err := s.pool.Exec(ctx, commitSession, hashOf(token), user, data, expires); err != nil {
		return problem.OfDatabase("writing a session", err)
	}
	return nil
}

const deleteSession = `DELETE FROM rowcall.sessions WHERE token_hash = $1`

// DeleteCtx ends a session. One that does not exist is no error.
func (s *sessionStore) DeleteCtx(ctx context.Context, token string) error {
	if _, err := s.pool.Exec(ctx, deleteSession, hashOf(token)); err != nil {
		return problem.OfDatabase("ending a session", err)
	}
	return nil
}

// Find, Commit and Delete are there because scs.Store asks for them; scs calls the others.

// Find is FindCtx without a context.
func (s *sessionStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context.
func (s *sessionStore) Commit(token string, data []byte, expires time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expires)
}

// Delete is DeleteCtx without a context.
func (s *sessionStore) Delete(token string) error {
	return s.DeleteCtx(context.Background(), token)
}

// extendSession moves the end of a session that is in use, a tenth of its idle time at once so
// that not every request writes. It never brings back one that has been ended meanwhile.
const extendSession = `
UPDATE rowcall.sessions SET expires_at = least($2, now() + $3::interval)
WHERE token_hash = $1 AND expires_at < least($2, now() + $3::interval * 0.9)`

func (s *sessionStore) extend(ctx context.Context, token string, deadline time.Time, idle time.Duration) error {
	if _, err := s.pool.Exec(ctx, extendSession, hashOf(token), deadline, idle); err != nil {
		return problem.OfDatabase("extending a session", err)
	}
	return nil
}

// expireSessions deletes what nobody can use any more; several nodes may do it at once.
const expireSessions = `
DELETE FROM rowcall.sessions WHERE token_hash IN (
  SELECT token_hash FROM rowcall.sessions WHERE expires_at < now()
  ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED)`

func (s *sessionStore) expire(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, expireSessions); err != nil {
		return problem.OfDatabase("deleting expired sessions", err)
	}
	return nil
}
