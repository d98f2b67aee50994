package identity

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"rowcall/api/door"
	"rowcall/api/problem"
)

// maxLoginBytes bounds the body of POST /api/login and of POST /api/code.
const maxLoginBytes = 8 << 10

// credentials are the body of POST /api/login.
type credentials struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// Login answers POST /api/login: it takes credentials, and returns the user and the login cookie.
// Neither the answer nor its time distinguishes an unknown account, an inactive account and a wrong
// password.
func (a *Accounts) Login(w http.ResponseWriter, r *http.Request) {
	who, err := a.logIn(w, r)
	if err != nil {
		problem.Refuse(w, r, a.log, err)
		return
	}
	problem.WriteJSON(w, http.StatusOK, a.users.answer(who))
}

func (a *Accounts) logIn(w http.ResponseWriter, r *http.Request) (*account, error) {
	if a.users.noTable {
		return nil, problem.Explain(problem.ErrNotFound, "there are no accounts here to log in to")
	}
	if a.users.noPasswords {
		return nil, problem.Explain(problem.ErrNotFound, "nobody logs in with a password here")
	}
	if err := a.admitAttempt(r); err != nil {
		return nil, err
	}
	given, err := readCredentials(w, r)
	if err != nil {
		return nil, err
	}
	who, err := a.authenticate(r, given)
	if err != nil {
		return nil, err
	}
	if err := a.openLogin(w, r, who); err != nil {
		return nil, err
	}
	a.log.Info("logged in", "user", who.ID, "address", a.door.Address(r))
	return &who.account, nil
}

// admitAttempt counts an attempt to log in, whether it succeeds or not.
func (a *Accounts) admitAttempt(r *http.Request) error {
	addr := a.door.Address(r)
	if a.door.Exempt(addr) {
		return nil
	}
	return a.attemptsByAddress.TakeToken(door.AddressBlock(addr), time.Now())
}

// authenticate returns the account that the credentials belong to. The attempt counts against the
// username before the password is checked, so that guesses made at the same time count too; a
// success clears the count. Usernames that do not exist are counted as well.
func (a *Accounts) authenticate(r *http.Request, given credentials) (*passwordAccount, error) {
	name := sha256.Sum256([]byte(strings.ToLower(given.Username)))
	if err := a.attemptsByName.TakeToken(name, time.Now()); err != nil {
		return nil, err
	}
	who, err := a.users.byUsername(r.Context(), given.Username)
	if err != nil {
		return nil, err
	}
	fits, err := a.passwords.match(r.Context(), who.Password, given.Password)
	if err != nil {
		return nil, err
	}
	if !fits || !who.Active {
		a.log.Info("login refused", "user", who.ID, "address", a.door.Address(r))
		return nil, problem.ErrBadLogin
	}
	a.attemptsByName.Refill(name)
	return &who, nil
}

// openLogin creates a login and sets its cookie. It deletes the login that the browser had before.
// The token is always a new one: a token that an attacker has planted in the cookie is never used.
func (a *Accounts) openLogin(w http.ResponseWriter, r *http.Request, who *passwordAccount) error {
	if before := a.cookieToken(r); before != "" {
		if err := a.store.DeleteCtx(r.Context(), before); err != nil {
			return err
		}
	}
	sessions := a.loginManager(r)
	ctx, err := sessions.Load(r.Context(), "")
	if err != nil {
		return fmt.Errorf("opening a login: %w", err)
	}
	sessions.Put(ctx, userKey, who.ID)
	sessions.Put(ctx, sealKey, sealOf(who.Password))
	token, _, err := sessions.Commit(ctx)
	if err != nil {
		return fmt.Errorf("opening a login: %w", err)
	}
	sessions.WriteSessionCookie(ctx, w, token, sessions.Deadline(ctx))
	return nil
}

// Logout answers POST /api/logout: it deletes the login, which closes its sockets, and removes the
// cookie. A second logout is no error. Rowcall cannot end the login of a Django site, and answers
// with a conflict instead of leaving the user logged in without a word.
func (a *Accounts) Logout(w http.ResponseWriter, r *http.Request) {
	if err := a.logOut(w, r); err != nil {
		problem.Refuse(w, r, a.log, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

func (a *Accounts) logOut(w http.ResponseWriter, r *http.Request) error {
	if token := a.cookieToken(r); token != "" {
		if err := a.store.DeleteCtx(r.Context(), token); err != nil {
			return err
		}
		a.takeCookie(w, r)
		return nil
	}
	if a.operator.recognizes(a.door, r) {
		http.SetCookie(w, a.operatorCookie(r, ""))
		return nil
	}
	who, _, err := a.django.identify(r.Context(), r)
	if who != nil {
		return problem.Explain(problem.ErrConflict, "you are logged in at the Django site: log out there")
	}
	return err
}

// Me answers GET /api/me with the user, or 401.
func (a *Accounts) Me(w http.ResponseWriter, r *http.Request) {
	who, _, err := a.identify(r.Context(), r)
	if err == nil && who == nil {
		err = problem.ErrUnauthorized
	}
	if err != nil {
		if _, given := bearerToken(r); !given && errors.Is(err, problem.ErrUnauthorized) && a.cookieToken(r) != "" {
			a.takeCookie(w, r)
		}
		problem.Refuse(w, r, a.log, err)
		return
	}
	problem.WriteJSON(w, http.StatusOK, a.users.answer(who))
}

func (a *Accounts) takeCookie(w http.ResponseWriter, r *http.Request) {
	a.loginManager(r).WriteSessionCookie(r.Context(), w, "", time.Time{})
}

func readCredentials(w http.ResponseWriter, r *http.Request) (credentials, error) {
	var given credentials
	if err := problem.ReadJSON(w, r, maxLoginBytes, &given); err != nil {
		return given, err
	}
	if given.Username == "" || given.Password == "" {
		return given, problem.Explain(problem.ErrBadRequest, "username and password are needed")
	}
	return given, nil
}

// Visitor returns the user of a request as the user may see it; nil if nobody is logged in. It
// removes a cookie whose login is over.
func (a *Accounts) Visitor(w http.ResponseWriter, r *http.Request) (*ShownUser, error) {
	who, _, err := a.identify(r.Context(), r)
	_, token := bearerToken(r)
	if errors.Is(err, problem.ErrUnauthorized) && !token {
		a.takeCookie(w, r)
		return nil, nil
	}
	if who == nil || err != nil {
		return nil, err
	}
	shown := a.users.shown(who)
	return &shown, nil
}
