package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/time/rate"

	"rowcall/api/problem"
)

// DjangoOptions let people in who are logged in to a Django site that uses the same database: its
// session cookie counts here too. Without a secret key it does not.
type DjangoOptions struct {
	SecretKey          string
	SecretKeyFallbacks []string // keys that were in use before
	Cookie             string   // SESSION_COOKIE_NAME; sessionid
	Table              string   // of sessions, with or without a schema and a dot before it; django_session
}

// django reads the sessions of a Django site. What Django itself would take for a visitor who has not
// logged in is one here: a session that has run out, one that nobody has logged in with, one from before
// the password was changed.
type django struct {
	pool    *pgxpool.Pool
	users   *users
	keys    djangoKeys
	names   *djangoNames
	cookie  string
	session string // statements
	user    string
	current string
	log     *slog.Logger
	grumble rate.Sometimes // about sessions that an operator can do something about
}

// openDjango prepares to read Django's sessions; nil where they do not count. It refuses a table
// that cannot be read.
func openDjango(ctx context.Context, pool *pgxpool.Pool, u *users, o DjangoOptions, log *slog.Logger) (*django, error) {
	if o.SecretKey == "" {
		return nil, nil
	}
	if u.none {
		return nil, errors.New("auth.users.table is \"-\": the logins of a Django site need its table of users")
	}
	names, err := newDjangoNames()
	if err != nil {
		return nil, err
	}
	d := &django{
		pool:    pool,
		users:   u,
		keys:    newDjangoKeys(o.SecretKey, o.SecretKeyFallbacks),
		names:   names,
		cookie:  cmp.Or(o.Cookie, "sessionid"),
		log:     log,
		grumble: rate.Sometimes{Interval: time.Minute},
	}
	if err := d.prepare(ctx, cmp.Or(o.Table, "django_session")); err != nil {
		return nil, fmt.Errorf("preparing to read Django's sessions: %w", err)
	}
	return d, nil
}

// sessionKey is what the cookie holds; empty without one. Of several the last counts, as it does for Django.
func (d *django) sessionKey(r *http.Request) string {
	cookies := r.CookiesNamed(d.cookie)
	if len(cookies) == 0 {
		return ""
	}
	value := cookies[len(cookies)-1].Value
	switch {
	case djangoSessionKey(value):
		return value
	case strings.Contains(value, ":"):
		d.refuse(errors.New("the cookie holds the session itself: the engine signed_cookies is not supported, use db or cached_db"))
	}
	return ""
}

// djangoSessionKey reports whether Django could have made a session's key.
func djangoSessionKey(key string) bool {
	other := func(r rune) bool { return (r < 'a' || 'z' < r) && (r < '0' || '9' < r) }
	return 8 <= len(key) && len(key) <= 40 && !strings.ContainsFunc(key, other)
}

// refuse tells the operator, and not too often, why a session does not count.
func (d *django) refuse(reason error) {
	d.grumble.Do(func() { d.log.Warn("a session of Django's does not count", "err", reason) })
}

// identify finds the active account behind Django's cookie; no account when there is no login.
func (d *django) identify(ctx context.Context, r *http.Request) (*account, Identity, error) {
	if d == nil {
		return nil, Identity{}, nil
	}
	key := d.sessionKey(r)
	if key == "" {
		return nil, Identity{}, nil
	}
	held, err := d.find(ctx, key)
	if err != nil || held.User == "" {
		return nil, Identity{}, err
	}
	who, err := d.userOf(ctx, held)
	if who == nil || err != nil {
		return nil, Identity{}, err
	}
	return who, Identity{User: who.ID, Name: who.Username, Session: d.names.of(key), Alias: djangoAlias(key), Staff: who.Staff}, nil
}

// find reads a session; one that is not there, or does not count, has no user.
func (d *django) find(ctx context.Context, key string) (djangoSession, error) {
	text, found, err := d.read(ctx, key)
	if err != nil || !found {
		return djangoSession{}, err
	}
	return d.decode(text), nil
}

// decode is djangoKeys.decodeDjango, and tells the operator why not.
func (d *django) decode(text *string) djangoSession {
	reason := errDjangoSize // a text that is too long was not read
	if text != nil {
		held, err := d.keys.decodeDjango(*text)
		if err == nil {
			return held
		}
		reason = err
	}
	d.refuse(reason)
	return djangoSession{}
}

// userOf finds the active account that a session was opened by, unless the password is another now. The
// account's id has to be spelled as in the session, so that it is recognised again later.
func (d *django) userOf(ctx context.Context, held djangoSession) (*account, error) {
	found, err := d.readUser(ctx, held.User)
	switch {
	case errors.Is(err, problem.ErrUnauthorized):
		return nil, nil
	case err != nil:
		return nil, err
	case found.ID != held.User || !d.keys.sealed(held.Hash, found.Password):
		return nil, nil
	}
	return &found.account, nil
}
