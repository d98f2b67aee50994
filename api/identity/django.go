package identity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/time/rate"

	"rowcall/api/problem"
	"rowcall/api/upkeep"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
)

// DjangoOptions configure the logins of a Django site that uses the same database: its session
// cookie counts as a login. Without a secret key it does not.
type DjangoOptions struct {
	SecretKey          string
	SecretKeyFallbacks []string // earlier secret keys
	Cookie             string   // SESSION_COOKIE_NAME; sessionid
	Table              string   // of sessions, with or without a schema and a dot in front; django_session
}

// djangoSite reads the sessions of a Django site. A session that Django treats as anonymous is
// anonymous here: it has expired, has no user, or was opened with a password that has been changed
// since.
type djangoSite struct {
	pool       *dbconn.Pool
	users      *users
	keys       djangoKeys
	names      *loginNames
	cookie     string
	statements atomic.Pointer[djangoStatements] // as the tables were last
	item       *upkeep.Item
	log        *slog.Logger
	warnings   rate.Sometimes // limits the log lines about refused sessions
}

// djangoStatements are the statements about the sessions of a Django site.
type djangoStatements struct{ session, user, current string }

// openDjangoSite prepares to read Django's sessions; it returns nil without a secret key. It
// refuses a table that cannot be read.
func openDjangoSite(ctx context.Context, pool *dbconn.Pool, u *users, o DjangoOptions, log *slog.Logger) (*djangoSite, error) {
	if o.SecretKey == "" {
		return nil, nil
	}
	if u.noTable {
		return nil, errors.New("auth.users.table is \"-\": the logins of a Django site need its table of users")
	}
	names, err := newLoginNames()
	if err != nil {
		return nil, err
	}
	d := &djangoSite{
		pool:     pool,
		users:    u,
		keys:     newDjangoKeys(o.SecretKey, o.SecretKeyFallbacks),
		names:    names,
		cookie:   cmp.Or(o.Cookie, "sessionid"),
		log:      log,
		warnings: rate.Sometimes{Interval: time.Minute},
	}
	table := cmp.Or(o.Table, "django_session")
	if _, err := d.prepare(ctx, table, d.warnOfTrigger); err != nil {
		return nil, fmt.Errorf("preparing to read Django's sessions: %w", err)
	}
	d.item = upkeep.NewItem("auth.django", table, func(ctx context.Context, fresh bool) (bool, error) {
		changed, err := d.prepare(ctx, table, func(string) {})
		return changed || fresh, err
	})
	return d, nil
}

// sessionKey returns the session key in the cookie; empty without one. The last of several cookies
// counts, as it does in Django.
func (d *djangoSite) sessionKey(r *http.Request) string {
	cookies := r.CookiesNamed(d.cookie)
	if len(cookies) == 0 {
		return ""
	}
	value := cookies[len(cookies)-1].Value
	switch {
	case djangoSessionKey(value):
		return value
	case strings.Contains(value, ":"):
		d.warn(errors.New("the cookie holds the session itself: the engine signed_cookies is not supported, use db or cached_db"))
	}
	return ""
}

// djangoSessionKey reports whether a text has the form of a session key of Django.
func djangoSessionKey(key string) bool {
	other := func(r rune) bool { return (r < 'a' || 'z' < r) && (r < '0' || '9' < r) }
	return 8 <= len(key) && len(key) <= 40 && !strings.ContainsFunc(key, other)
}

// warn logs why a session is refused, at most once a minute.
func (d *djangoSite) warn(reason error) {
	d.warnings.Do(func() { d.log.Warn("a session of Django's does not count", "err", reason) })
}

// identify returns the active account behind Django's cookie; nil if there is no login.
func (d *djangoSite) identify(ctx context.Context, r *http.Request) (*account, Identity, error) {
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
	return who, Identity{User: who.ID, Name: who.Username, Login: d.names.seal(key), Alias: djangoAlias(key), Staff: who.Staff}, nil
}

// find reads a session. A session that does not exist or is refused has no user.
func (d *djangoSite) find(ctx context.Context, key string) (djangoSession, error) {
	text, found, err := d.read(ctx, key)
	if err != nil || !found {
		return djangoSession{}, err
	}
	return d.decode(text), nil
}

// decode is djangoKeys.decodeDjango, and logs why a session is refused.
func (d *djangoSite) decode(text *string) djangoSession {
	reason := errDjangoSize // the text of a session that is too long is nil
	if text != nil {
		held, err := d.keys.decodeDjango(*text)
		if err == nil {
			return held
		}
		reason = err
	}
	d.warn(reason)
	return djangoSession{}
}

// userOf returns the active account of a session; nil if the password has been changed. The
// account's id must be spelled as in the session, so that Current finds it again.
func (d *djangoSite) userOf(ctx context.Context, held djangoSession) (*account, error) {
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

// {sessions} is replaced by the name of the table, once, at start; the other names as in users.go.
// A text that is too long to read is NULL.
const (
	djangoText = `CASE WHEN octet_length(s.session_data) <= {bytes} THEN s.session_data END`

	djangoBySession = `
SELECT ` + djangoText + ` FROM {sessions} s WHERE s.session_key = $1 AND s.expire_date > now()`

	djangoByUser = `
SELECT {id}::text, {username}::text, {first_name}, {staff}, coalesce({password}::text, '')
FROM {table} u WHERE {id} = $1::text::{id_type} AND {active}`

	djangoCurrent = `
SELECT q.n, {staff}, coalesce({password}::text, ''), ` + djangoText + `
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS q (session_key, user_id, n)
JOIN {sessions} s ON s.session_key = q.session_key AND s.expire_date > now()
JOIN {table} u ON {id} = q.user_id::{id_type}
WHERE {active}`
)

// djangoTable finds the table, and whether its trigger exists.
const djangoTable = `
SELECT format('%I.%I', n.nspname, c.relname),
       EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
               WHERE t.tgrelid = c.oid AND p.proname = 'on_django_session' AND p.pronamespace = to_regnamespace('rowcall'))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass($1)`

// prepare finds the table and tries the statements. It runs them, because preparing a statement
// does not check rights. It calls unwatched with the name of a table without a trigger.
func (d *djangoSite) prepare(ctx context.Context, name string, unwatched func(table string)) (changed bool, err error) {
	var table string
	var watched bool
	err = d.pool.QueryRow(ctx, djangoTable, rules.QuotedName(name)).Scan(&table, &watched)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, fmt.Errorf("%w; set auth.django.table to the table of the session engine db or cached_db; Rowcall cannot read sessions of other engines", rules.MissingName("table", name))
	}
	if err != nil {
		return false, problem.OfDatabase("asking the catalog", err)
	}
	spell := strings.NewReplacer("{sessions}", table, "{bytes}", strconv.Itoa(djangoTextBytes))
	names := d.users.statements.Load().names
	now := &djangoStatements{
		session: spell.Replace(djangoBySession),
		user:    names.Replace(djangoByUser),
		current: names.Replace(spell.Replace(djangoCurrent)),
	}
	if err := d.try(ctx, now); err != nil {
		return false, fmt.Errorf("reading %s: %w", table, err)
	}
	if !watched {
		unwatched(table)
	}
	before := d.statements.Swap(now)
	return before == nil || *before != *now, nil
}

func (d *djangoSite) warnOfTrigger(table string) {
	d.log.Warn("Django's table of sessions has no trigger: sockets outlive a logout by up to a minute; run rowcall migrate with auth.django as here", "table", table)
}

func (d *djangoSite) try(ctx context.Context, s *djangoStatements) error {
	if err := tryPrepare(ctx, d.pool, s.user); err != nil {
		return err
	}
	if _, _, err := d.readWith(ctx, s, ""); err != nil {
		return err
	}
	_, err := d.rowsWith(ctx, d.pool, s, nil, nil)
	return err
}

// read returns the text of a session, nil for one that is too long, and whether the session exists.
func (d *djangoSite) read(ctx context.Context, key string) (text *string, found bool, err error) {
	err = d.item.Do(ctx, func() error {
		text, found, err = d.readWith(ctx, d.statements.Load(), key)
		return err
	})
	return text, found, err
}

func (d *djangoSite) readWith(ctx context.Context, s *djangoStatements, key string) (text *string, found bool, err error) {
	err = d.pool.QueryRow(ctx, s.session, key).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, problem.OfDatabase("looking a session of Django's up", err)
	}
	return text, true, nil
}

// djangoAccount is an account with the hash of its password.
type djangoAccount struct {
	account
	Password string
}

// readUser returns the active account with an id. The error is problem.ErrUnauthorized if there is
// none.
func (d *djangoSite) readUser(ctx context.Context, id string) (*djangoAccount, error) {
	if !d.users.parseable(id) {
		return nil, fmt.Errorf("looking a user up: %w", problem.ErrUnauthorized)
	}
	return oneUser[djangoAccount](ctx, d.item, func() (pgx.Rows, error) { return d.pool.Query(ctx, d.statements.Load().user, id) })
}

// djangoAtOnce is how many sessions one statement reads at most, because sessions may be long.
const djangoAtOnce = 256

type djangoRow struct {
	N        int64
	Staff    bool
	Password string
	Text     *string
}

func (d *djangoSite) rows(ctx context.Context, q querier, keys, users []string) (found []djangoRow, err error) {
	err = d.item.Do(ctx, func() error {
		found, err = d.rowsWith(ctx, q, d.statements.Load(), keys, users)
		return err
	})
	return found, err
}

func (d *djangoSite) rowsWith(ctx context.Context, q querier, s *djangoStatements, keys, users []string) ([]djangoRow, error) {
	rows, _ := q.Query(ctx, s.current, keys, users)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[djangoRow])
	if err != nil {
		return nil, problem.OfDatabase("looking sessions of Django's up again", err)
	}
	return found, nil
}

// lookUpStandings fills in the standings of the followers at these places, who have a Django
// session.
func (d *djangoSite) lookUpStandings(ctx context.Context, q querier, followers []notifier.Follower, places []int, standings []Standing) error {
	for some := range slices.Chunk(places, djangoAtOnce) {
		keys, ids := make([]string, len(some)), make([]string, len(some))
		for i, place := range some {
			keys[i], _ = d.names.open(followers[place].Session) // a text that is no name matches no session
			ids[i] = followers[place].User
		}
		found, err := d.rows(ctx, q, keys, ids)
		if err != nil {
			return err
		}
		for _, row := range found {
			place := some[row.N-1]
			held := d.decode(row.Text)
			valid := held.User == followers[place].User && d.keys.sealed(held.Hash, row.Password)
			standings[place] = Standing{Valid: valid, Staff: valid && row.Staff}
		}
	}
	return nil
}
