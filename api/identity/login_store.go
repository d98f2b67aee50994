package identity

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5"

	"rowcall/api/problem"
	"rowcall/notifier/dbconn"
)

// loginStore keeps the logins in the table rowcall.sessions: the hash of a token, never the token
// itself, and the user, so that all logins of a user can be found and deleted. A trigger on the
// table files an access event when a user's login is deleted.
type loginStore struct{ pool *dbconn.Pool }

var _ scs.CtxStore = (*loginStore)(nil)

func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// loginName returns the name of a login: the hash of its token in hex, which cannot be used as a
// token.
func loginName(token string) string { return hex.EncodeToString(tokenHash(token)) }

const findLogin = `SELECT data FROM rowcall.sessions WHERE token_hash = $1 AND expires_at > now()`

// FindCtx returns the data of a login.
func (s *loginStore) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	err = s.pool.QueryRow(ctx, findLogin, tokenHash(token)).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, problem.OfDatabase("reading a login", err)
	}
	return data, true, nil
}

const commitLogin = `
INSERT INTO rowcall.sessions (token_hash, user_id, data, expires_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (token_hash) DO UPDATE SET user_id = EXCLUDED.user_id, data = EXCLUDED.data, expires_at = EXCLUDED.expires_at`

// CommitCtx writes a login. It takes the user from the data. scs has computed the times by the node's
// clock. They are written by the database's clock, because statements compare them with that.
func (s *loginStore) CommitCtx(ctx context.Context, token string, data []byte, expires time.Time) error {
	held, err := decodeLogin(data)
	if err != nil {
		return err
	}
	ahead, err := s.clockAhead(ctx)
	if err != nil {
		return err
	}
	held.Deadline = held.Deadline.Add(ahead)
	if data, err = json.Marshal(held); err != nil {
		return fmt.Errorf("writing a login: %w", err)
	}
	var user *string
	if id := held.Values[userKey]; id != "" {
		user = &id
	}
	if _, err := s.pool.Exec(ctx, commitLogin, tokenHash(token), user, data, expires.Add(ahead)); err != nil {
		return problem.OfDatabase("writing a login", err)
	}
	return nil
}

// clockAhead returns how far the database's clock is ahead of the node's.
func (s *loginStore) clockAhead(ctx context.Context) (time.Duration, error) {
	var now time.Time
	if err := s.pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now); err != nil {
		return 0, problem.OfDatabase("asking for the time", err)
	}
	return time.Until(now), nil
}

const deleteLogin = `DELETE FROM rowcall.sessions WHERE token_hash = $1`

// DeleteCtx deletes a login. A login that does not exist is no error.
func (s *loginStore) DeleteCtx(ctx context.Context, token string) error {
	if _, err := s.pool.Exec(ctx, deleteLogin, tokenHash(token)); err != nil {
		return problem.OfDatabase("deleting a login", err)
	}
	return nil
}

// scs.Store requires Find, Commit and Delete; scs calls the methods with a context.

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

// extendLogin moves the expiry of a login that is in use, by a tenth of its idle time at the least,
// so that not every request writes. It never restores a login that has been deleted meanwhile.
const extendLogin = `
UPDATE rowcall.sessions SET expires_at = least($2, now() + $3::interval)
WHERE token_hash = $1 AND expires_at < least($2, now() + $3::interval * 0.9)`

func (s *loginStore) extendLogin(ctx context.Context, token string, deadline time.Time, idle time.Duration) error {
	if _, err := s.pool.Exec(ctx, extendLogin, tokenHash(token), deadline, idle); err != nil {
		return problem.OfDatabase("extending a login", err)
	}
	return nil
}

// deleteExpiredLogins deletes logins that have expired. Several nodes may run it at the same time.
const deleteExpiredLogins = `
DELETE FROM rowcall.sessions WHERE token_hash IN (
  SELECT token_hash FROM rowcall.sessions WHERE expires_at < now()
  ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED)`

func (s *loginStore) deleteExpired(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, deleteExpiredLogins); err != nil {
		return problem.OfDatabase("deleting expired logins", err)
	}
	return nil
}

// The keys of the values of a login. There are no others.
const (
	userKey = "user" // the user id, in decimal
	sealKey = "seal" // see sealOf
)

// sealOf returns the seal of a password: a hash, in hex, of the password hash. A login holds the
// seal of the password it was created with, so that it ends when the password changes. The
// statements that read logins compute the same bytes in SQL.
func sealOf(passwordHash string) string {
	sum := sha256.Sum256([]byte(passwordHash))
	return hex.EncodeToString(sum[:])
}

// sealedWith reports whether a login was created with the password that has this seal.
func (d loginData) sealedWith(seal []byte) bool {
	opened, err := hex.DecodeString(d.Values[sealKey])
	return err == nil && len(opened) > 0 && bytes.Equal(opened, seal)
}

// loginData is what the column data holds, as JSON.
type loginData struct {
	Deadline time.Time         `json:"deadline"` // by the database's clock, once it is written
	Values   map[string]string `json:"values"`
}

func decodeLogin(data []byte) (loginData, error) {
	var held loginData
	if err := json.Unmarshal(data, &held); err != nil {
		return held, errors.New("reading a login: the data is not in our format")
	}
	return held, nil
}

// loginCodec encodes logins as JSON, which a database administrator can read; the default of scs is
// gob.
type loginCodec struct{}

var _ scs.Codec = loginCodec{}

// Encode encodes values, all of which are strings.
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
