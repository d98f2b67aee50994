package identity

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/time/rate"

	"rowcall/api/door"
	"rowcall/api/problem"
)

// LoginOptions bound a login.
type LoginOptions struct {
	Lifetime time.Duration // 14 days
	Idle     time.Duration // ends a login that no request has used for so long; 0: never
	Cookie   string        // its name; over https __Host- stands before it; rowcall_session
}

// AttemptOptions bound attempts to log in, per minute.
type AttemptOptions struct {
	PerAddress int // of an IPv4 address or an IPv6 /64; 20
	PerAccount int // that fail; 5
}

// Options say where accounts are and how long a login lasts.
type Options struct {
	Users    UsersTable
	Login    LoginOptions
	Attempts AttemptOptions
	JWT      JWTOptions    // bearer tokens; none
	Django   DjangoOptions // sessions of a Django site; none
	Logger   *slog.Logger  // slog.Default()
}

// Accounts knows who people are: it logs them in and out, finds the identity behind a request, and
// tells whether identities found earlier still hold. It is safe for use by several goroutines.
type Accounts struct {
	door              *door.Door
	users             *users
	store             *loginStore
	passwords         *passwordChecker
	attemptsByAddress *door.Throttle[netip.Prefix]
	attemptsByName    *door.Throttle[[32]byte] // by hash: a name may be long
	tokens            *tokenReader             // nil: none are accepted
	django            *djangoSite              // nil: its sessions do not count
	idle              time.Duration
	httpLogins        *scs.SessionManager // for http
	httpsLogins       *scs.SessionManager // for https
	log               *slog.Logger
}

// New looks at the users table and refuses one that cannot be read as configured. The pool
// needs to read that table and to write rowcall.sessions.
func New(ctx context.Context, pool *pgxpool.Pool, d *door.Door, o Options) (*Accounts, error) {
	table, err := openUsers(ctx, pool, o.Users)
	if err != nil {
		return nil, err
	}
	log := cmp.Or(o.Logger, slog.Default())
	bearers, err := newTokenReader(o.JWT, log)
	if err != nil {
		return nil, err
	}
	site, err := openDjangoSite(ctx, pool, table, o.Django, log)
	if err != nil {
		return nil, err
	}
	store := &loginStore{pool: pool}
	perAddress, perAccount := cmp.Or(o.Attempts.PerAddress, 20), cmp.Or(o.Attempts.PerAccount, 5)
	return &Accounts{
		door:              d,
		users:             table,
		store:             store,
		passwords:         newPasswordChecker(table.samplePassword),
		attemptsByAddress: door.NewThrottle[netip.Prefix](perMinute(perAddress), perAddress),
		attemptsByName:    door.NewThrottle[[32]byte](perMinute(perAccount), perAccount),
		tokens:            bearers,
		django:            site,
		idle:              o.Login.Idle,
		httpLogins:        newLoginManager(store, o.Login, false),
		httpsLogins:       newLoginManager(store, o.Login, true),
		log:               log,
	}, nil
}

func perMinute(n int) rate.Limit { return rate.Limit(float64(n) / 60) }

// newLoginManager sets scs up. The prefix makes browsers refuse a cookie of that name that another
// host or an unencrypted page has set; it needs Secure, Path=/ and no Domain. scs.New is not asked,
// as it would start a goroutine for a store that is not used here.
func newLoginManager(store scs.Store, o LoginOptions, secure bool) *scs.SessionManager {
	name := cmp.Or(o.Cookie, "rowcall_session")
	if secure {
		name = "__Host-" + name
	}
	return &scs.SessionManager{
		Store:       store,
		Codec:       loginCodec{},
		Lifetime:    cmp.Or(o.Lifetime, 14*24*time.Hour),
		IdleTimeout: o.Idle,
		Cookie: scs.SessionCookie{
			Name:     name,
			Path:     "/",
			HttpOnly: true,
			Secure:   secure,
			SameSite: http.SameSiteLaxMode,
			Persist:  true,
		},
	}
}

// loginManager is scs as it suits the request: its cookie has another name over https.
func (a *Accounts) loginManager(r *http.Request) *scs.SessionManager {
	if a.door.Secure(r) {
		return a.httpsLogins
	}
	return a.httpLogins
}

// cookieToken is what the session cookie holds; empty without one.
func (a *Accounts) cookieToken(r *http.Request) string {
	cookie, err := r.Cookie(a.loginManager(r).Cookie.Name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// LoginName returns the name of the login behind a request's cookie, as Identity.Login has it; empty
// without a cookie. It does not look whether there is such a login.
func (a *Accounts) LoginName(r *http.Request) string {
	token := a.cookieToken(r)
	if token == "" {
		return ""
	}
	return loginName(token)
}

// Identify finds who makes a request: by a bearer token if it brings one, else by its cookies.
// Without credentials that is the zero Identity. Credentials that are of no use are
// problem.ErrUnauthorized, and a database that does not answer is problem.ErrUnavailable.
func (a *Accounts) Identify(ctx context.Context, r *http.Request) (Identity, error) {
	_, who, err := a.identify(ctx, r)
	return who, err
}

// identify returns no account when the request carries no credentials. Whoever asks too often is problem.ErrRateLimited.
func (a *Accounts) identify(ctx context.Context, r *http.Request) (*account, Identity, error) {
	who, as, err := a.recognize(ctx, r)
	if err == nil && who != nil {
		err = a.door.AdmitUser(a.door.Address(r), who.ID)
	}
	if err != nil {
		return nil, Identity{}, err
	}
	return who, as, nil
}

func (a *Accounts) recognize(ctx context.Context, r *http.Request) (*account, Identity, error) {
	if token, given := bearerToken(r); given {
		return a.byToken(ctx, token)
	}
	return a.byCookies(ctx, r)
}

// byCookies goes by a login of our own where there is one, and else by one of Django's. That the browser
// has an old cookie of ours besides does not matter then.
func (a *Accounts) byCookies(ctx context.Context, r *http.Request) (*account, Identity, error) {
	token := a.cookieToken(r)
	if token == "" {
		return a.django.identify(ctx, r)
	}
	who, as, err := a.byCookie(ctx, token)
	if !errors.Is(err, problem.ErrUnauthorized) {
		return who, as, err
	}
	if who, as, other := a.django.identify(ctx, r); who != nil || other != nil {
		return who, as, other
	}
	return nil, Identity{}, err
}

// byCookie finds the active account that a session belongs to.
func (a *Accounts) byCookie(ctx context.Context, token string) (*account, Identity, error) {
	who, deadline, err := a.users.byLogin(ctx, tokenHash(token))
	if err != nil {
		return nil, Identity{}, err
	}
	if a.idle > 0 {
		if err := a.store.extendLogin(ctx, token, deadline, a.idle); err != nil {
			return nil, Identity{}, err
		}
	}
	return who, Identity{User: who.ID, Name: who.Username, Login: loginName(token), Staff: who.Staff}, nil
}

// Borrow returns the identity of an active user, for staff who look at what the user may see. Nobody has
// logged in: whether the user is still active and staff is looked up in the users table. The error is
// problem.ErrUnauthorized if there is no such active user.
func (a *Accounts) Borrow(ctx context.Context, id string) (Identity, error) {
	found, err := a.users.byID(ctx, id)
	if err != nil {
		return Identity{}, err
	}
	return Identity{User: found.ID, Name: found.Username, Login: borrowed, Staff: found.Staff}, nil
}

// Run deletes sessions that have expired, and sees that the keys of bearer tokens are not old, once
// a minute until ctx ends. The sockets that were opened with such a session are closed by that, as
// they are at a logout.
func (a *Accounts) Run(ctx context.Context) error {
	every := time.NewTicker(time.Minute)
	defer every.Stop()
	for {
		if err := a.store.deleteExpired(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("expired sessions are kept for now", "err", err)
		}
		a.tokens.refresh(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
	}
}

// Require returns a handler that identifies the user, refuses whom admits returns an error for, and then
// calls answer. An error of answer means that it has not answered: the handler refuses the request
// with it. Anonymous users who are denied hear that they must log in.
func (a *Accounts) Require(admits func(Identity) error, answer func(http.ResponseWriter, *http.Request, Identity) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, err := a.Identify(r.Context(), r)
		if err == nil {
			err = admits(who)
		}
		if err == nil {
			err = answer(w, r, who)
		}
		if errors.Is(err, problem.ErrDenied) && who.Anonymous() {
			err = problem.ErrUnauthorized // a login may help
		}
		if err != nil {
			problem.Refuse(w, r, a.log, err)
		}
	}
}
