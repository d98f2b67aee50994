package identity

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/problem"
)

// loginStore keeps the sessions in rowcall.sessions: the hash of a token, never the token, and
// whose it is, so that all sessions of a user can be found and ended. A trigger there files an
// access event when a user's session goes.
type loginStore struct{ pool *pgxpool.Pool }

var _ scs.CtxStore = (*loginStore)(nil)

func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// loginName is how a session is called outside of its cookie. It is of no use as a token.
func loginName(token string) string { return hex.EncodeToString(tokenHash(token)) }

const findLogin = `SELECT data FROM rowcall.sessions WHERE token_hash = $1 AND expires_at > now()`

// FindCtx reads a session's data.
func (s *loginStore) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	err = s.pool.QueryRow(ctx, findLogin, tokenHash(token)).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, problem.OfDatabase("reading a session", err)
	}
	return data, true, nil
}

const commitLogin = `
INSERT INTO rowcall.sessions (token_hash, user_id, data, expires_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (token_hash) DO UPDATE SET user_id = EXCLUDED.user_id, data = EXCLUDED.data, expires_at = EXCLUDED.expires_at`

// CommitCtx writes a session. The user is taken from the data.
func (s *loginStore) CommitCtx(ctx context.Context, token string, data []byte, expires time.Time) error {
	held, err := decodeLogin(data)
	if err != nil {
		return err
	}
	var user *string
	if id := held.Values[userKey]; id != "" {
		user = &id
	}
	if _, err := s.pool.Exec(ctx, commitLogin, tokenHash(token), user, data, expires); err != nil {
		return problem.OfDatabase("writing a session", err)
	}
	return nil
}

const deleteLogin = `DELETE FROM rowcall.sessions WHERE token_hash = $1`

// DeleteCtx ends a session. One that does not exist is no error.
func (s *loginStore) DeleteCtx(ctx context.Context, token string) error {
	if _, err := s.pool.Exec(ctx, deleteLogin, tokenHash(token)); err != nil {
		return problem.OfDatabase("ending a session", err)
	}
	return nil
}

// Find, Commit and Delete are there because scs.Store asks for them; scs calls the others.

// Find is FindCtx without a context.
func (s *loginStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context.
func (s *loginStore) Commit(token string, data []byte, expires time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expires)
}

// Delete is DeleteCtx without a context.
func (s *loginStore) Delete(token string) error {
	return s.DeleteCtx(context.Background(), token)
}

// extendLogin moves the end of a session that is in use, a tenth of its idle time at once so
// that not every request writes. It never brings back one that has been ended meanwhile.
const extendLogin = `
UPDATE rowcall.sessions SET expires_at = least($2, now() + $3::interval)
WHERE token_hash = $1 AND expires_at < least($2, now() + $3::interval * 0.9)`

func (s *loginStore) extendLogin(ctx context.Context, token string, deadline time.Time, idle time.Duration) error {
	if _, err := s.pool.Exec(ctx, extendLogin, tokenHash(token), deadline, idle); err != nil {
		return problem.OfDatabase("extending a session", err)
	}
	return nil
}

// deleteExpiredLogins deletes what nobody can use any more; several nodes may do it at once.
const deleteExpiredLogins = `
DELETE FROM rowcall.sessions WHERE token_hash IN (
  SELECT token_hash FROM rowcall.sessions WHERE expires_at < now()
  ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED)`

func (s *loginStore) deleteExpired(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, deleteExpiredLogins); err != nil {
		return problem.OfDatabase("deleting expired sessions", err)
	}
	return nil
}

// What a session holds. There is nothing else in it.
const (
	userKey = "user" // user id in decimal
	sealKey = "seal" // of the password it was opened with, see sealOf
)

// sealOf makes, in hex, what a session keeps of a password's hash, so that it ends when the password
// changes. The statements that read sessions compute the same bytes in SQL.
func sealOf(passwordHash string) string {
	sum := sha256.Sum256([]byte(passwordHash))
	return hex.EncodeToString(sum[:])
}

// sealedWith reports whether a session was opened with the password that has this seal.
func (d loginData) sealedWith(seal []byte) bool {
	opened, err := hex.DecodeString(d.Values[sealKey])
	return err == nil && len(opened) > 0 && bytes.Equal(opened, seal)
}

// loginData is what the data column holds, as JSON.
type loginData struct {
	Deadline time.Time         `json:"deadline"`
	Values   map[string]string `json:"values"`
}

func decodeLogin(data []byte) (loginData, error) {
	var held loginData
	if err := json.Unmarshal(data, &held); err != nil {
		return held, errors.New("reading a session: its data is not ours")
	}
	return held, nil
}

// loginCodec writes sessions as JSON, which a DBA can read and gob is not.
type loginCodec struct{}

var _ scs.Codec = loginCodec{}

// Encode takes values that are strings; ours all are.
func (loginCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	held := loginData{Deadline: deadline, Values: map[string]string{}}
	for key, value := range values {
		held.Values[key], _ = value.(string)
	}
	return json.Marshal(held)
}

// Decode is the reverse of Encode.
func (loginCodec) Decode(data []byte) (time.Time, map[string]any, error) {
	held, err := decodeLogin(data)
	values := make(map[string]any, len(held.Values))
	for key, value := range held.Values {
		values[key] = value
	}
	return held.Deadline, values, err
}
