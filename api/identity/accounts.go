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
	"golang.org/x/time/rate"

	"rowcall/api/door"
	"rowcall/api/problem"
	"rowcall/api/upkeep"
	"rowcall/config/rules"
	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
)

// LoginOptions say how long a login lasts, and in which cookie its token is.
type LoginOptions struct {
	Lifetime time.Duration // after which a login ends; 14 days
	Idle     time.Duration // after which a login ends that no request uses; 0: never
	Cookie   string        // name of the cookie, over https with the prefix __Host-; rowcall_session
}

// AttemptOptions limit how often somebody may try to log in, per minute.
type AttemptOptions struct {
	PerAddress int // attempts from an IPv4 address or an IPv6 /64; 20
	PerAccount int // failed attempts with a username; 5
}

// Options configure Accounts.
type Options struct {
	Users    UsersTable
	UserType topic.Kind // of user ids where there is no users table; text
	Login    LoginOptions
	Attempts AttemptOptions
	JWT      rules.JWT // bearer tokens; none
	// KeepClaims keeps the claims of tokens, for rules that read them. Tokens whose claims no rule could read are refused
	// then.
	KeepClaims bool
	Django     DjangoOptions // sessions of a Django site; none
	Operator   *Operator     // whoever shows its one-time code is staff; nil: nobody
	Logger     *slog.Logger  // slog.Default()
}

// Accounts logs users in and out, finds the identity behind a request, and tells whether identities
// that were found earlier still hold. It is safe for use by several goroutines.
type Accounts struct {
	door              *door.Door
	users             *users
	store             *loginStore
	passwords         *passwordChecker
	attemptsByAddress *door.Throttle[netip.Prefix]
	attemptsByName    *door.Throttle[[32]byte] // by a hash of the username, which may be long
	tokens            *tokenReader             // nil: no tokens are accepted
	refusals          *tokenRefusals
	django            *djangoSite // nil: there is no Django site
	operator          *Operator   // nil: there is none
	idle              time.Duration
	httpLogins        *scs.SessionManager // for http
	httpsLogins       *scs.SessionManager // for https
	log               *slog.Logger
}

// New prepares accounts. It refuses a users table that cannot be read as configured. The pool must
// be allowed to read that table and to write rowcall.sessions; it may be nil if there is no users
// table.
func New(ctx context.Context, pool *dbconn.Pool, d *door.Door, o Options) (*Accounts, error) {
	table, err := openUsers(ctx, pool, o.Users, o.UserType)
	if err != nil {
		return nil, err
	}
	log := cmp.Or(o.Logger, slog.Default())
	bearers, err := newTokenReader(o.JWT, log)
	if err != nil {
		return nil, err
	}
	if bearers != nil {
		bearers.keepClaims = o.KeepClaims
	}
	site, err := openDjangoSite(ctx, pool, table, o.Django, log)
	if err != nil {
		return nil, err
	}
	if err := checkOperator(o.Operator, table); err != nil {
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
		refusals:          newTokenRefusals(),
		django:            site,
		operator:          o.Operator,
		idle:              o.Login.Idle,
		httpLogins:        newLoginManager(store, o.Login, false),
		httpsLogins:       newLoginManager(store, o.Login, true),
		log:               log,
	}, nil
}

func perMinute(n int) rate.Limit { return rate.Limit(float64(n) / 60) }

// newLoginManager configures scs. Over https the name of the cookie has the prefix __Host-:
// browsers then refuse a cookie of that name which another host or an unencrypted page has set. The
// prefix requires Secure, Path=/ and no Domain. scs.New is not called, because it would start a
// goroutine for a store that is not used here.
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

// loginManager returns the scs manager for a request: the cookie's name over https differs.
func (a *Accounts) loginManager(r *http.Request) *scs.SessionManager {
	if a.door.Secure(r) {
		return a.httpsLogins
	}
	return a.httpLogins
}

// cookieToken returns the token in the login cookie; empty without a cookie.
func (a *Accounts) cookieToken(r *http.Request) string {
	cookie, err := r.Cookie(a.loginManager(r).Cookie.Name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// LoginName returns the name of the login behind the cookie of a request, as in Identity.Login;
// empty without a cookie. It does not look whether the login exists.
func (a *Accounts) LoginName(r *http.Request) string {
	token := a.cookieToken(r)
	if token == "" {
		return ""
	}
	return loginName(token)
}

// Items returns what is read of users and sessions, to be kept in step with the catalog. Some may be nil.
func (a *Accounts) Items() []*upkeep.Item {
	items := []*upkeep.Item{a.users.item}
	if a.django != nil {
		items = append(items, a.django.item)
	}
	return items
}

// Identify returns the identity behind a request: of its bearer token if it has one, else of its
// cookies. Without credentials it returns the zero Identity. The errors are problem.ErrUnauthorized
// for credentials that are not valid, problem.ErrRateLimited for a user with too many requests, and
// problem.ErrUnavailable if the database does not answer.
func (a *Accounts) Identify(ctx context.Context, r *http.Request) (Identity, error) {
	_, who, err := a.identify(ctx, r)
	return who, err
}

// identify is Identify, with the account. The account is nil if the request has no credentials.
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
	if a.operator.recognizes(a.door, r) {
		return a.operator.account(), a.operator.Identity(), nil
	}
	return a.byCookies(ctx, r)
}

// byCookies prefers a login of Rowcall's own. A cookie of Rowcall's that is no longer valid does
// not matter if the Django cookie is.
func (a *Accounts) byCookies(ctx context.Context, r *http.Request) (*account, Identity, error) {
	token := a.cookieToken(r)
	if token == "" || a.users.noTable { // without accounts, a cookie of this name is another program's
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

// byCookie returns the active account of a login, and extends the login if it would end when idle.
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

// Borrow returns the identity of an active user, for staff who look at what that user may see.
// There is no login behind it: Current looks in the users table whether the user is still active
// and staff. The error is problem.ErrUnauthorized if there is no such active user.
func (a *Accounts) Borrow(ctx context.Context, id string) (Identity, error) {
	found, err := a.users.byID(ctx, id)
	if err != nil {
		return Identity{}, err
	}
	return Identity{User: found.ID, Name: found.Username, Login: borrowed, Staff: found.Staff}, nil
}

// Run deletes expired logins and reads the keys of bearer tokens again when they are due, once a
// minute until ctx ends. A trigger on the deleted rows closes the sockets of these logins, as it
// does at a logout.
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

// Require returns a handler for users. It identifies the user, refuses the request if admits
// returns an error, and then calls answer. If answer returns an error, it has not answered, and the
// handler refuses the request with that error. An anonymous user who is denied is told to log in.
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
