package api

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"rowcall/api/door"
	"rowcall/api/problem"
)

// loginBytes bounds the body of a login.
const loginBytes = 8 << 10

// credentials are the body of a login.
type credentials struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// Login answers POST /api/login: credentials in, a session cookie and the user out. An account that
// does not exist, one that is not active and a wrong password are told apart neither by the answer
// nor by the time it takes.
func (a *Accounts) Login(w http.ResponseWriter, r *http.Request) {
	who, err := a.login(w, r)
	if err != nil {
		problem.Refuse(w, r, a.log, err)
		return
	}
	problem.WriteJSON(w, http.StatusOK, a.users.show(who))
}

func (a *Accounts) login(w http.ResponseWriter, r *http.Request) (*account, error) {
	if a.users.none {
		return nil, problem.Explain(problem.ErrNotFound, "there are no accounts here to log in to")
	}
	if err := a.admitAddress(r); err != nil {
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
	if err := a.open(w, r, who); err != nil {
		return nil, err
	}
	a.log.Info("logged in", "user", who.ID, "address", a.door.Address(r))
	return &who.account, nil
}

// admitAddress counts an attempt, whatever comes of it.
func (a *Accounts) admitAddress(r *http.Request) error {
	addr := a.door.Address(r)
	if a.door.Exempt(addr) {
		return nil
	}
	return a.addresses.TakeToken(door.AddressBlock(addr), time.Now())
}

// authenticate finds the account that the credentials fit. An attempt counts against the account's
// name before the password is looked at, so that guesses made at the same time count too; a
// success takes back what failed. Names that do not exist are counted as well.
func (a *Accounts) authenticate(r *http.Request, given credentials) (*login, error) {
	name := sha256.Sum256([]byte(strings.ToLower(given.Username)))
	if err := a.names.TakeToken(name, time.Now()); err != nil {
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
	a.names.Refill(name)
	return &who, nil
}

// open begins a session. The one that the browser had is ended, and the token of the new one is
// made here, whatever came in the cookie: a token that somebody else planted is good for nothing.
func (a *Accounts) open(w http.ResponseWriter, r *http.Request, who *login) error {
	if before := a.token(r); before != "" {
		if err := a.store.DeleteCtx(r.Context(), before); err != nil {
			return err
		}
	}
	sessions := a.sessions(r)
	ctx, err := sessions.Load(r.Context(), "")
	if err != nil {
		return fmt.Errorf("beginning a session: %w", err)
	}
	sessions.Put(ctx, sessionUser, who.ID)
	sessions.Put(ctx, sessionSeal, sealOf(who.Password))
	token, _, err := sessions.Commit(ctx)
	if err != nil {
		return fmt.Errorf("beginning a session: %w", err)
	}
	sessions.WriteSessionCookie(ctx, w, token, sessions.Deadline(ctx))
	return nil
}

// Logout answers POST /api/logout: it ends the session, which closes its sockets, and takes the
// cookie away. To log out twice is no error. A login of a Django site is not ours to end, and to say
// that it had been would leave somebody logged in.
func (a *Accounts) Logout(w http.ResponseWriter, r *http.Request) {
	if err := a.logout(w, r); err != nil {
		problem.Refuse(w, r, a.log, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

func (a *Accounts) logout(w http.ResponseWriter, r *http.Request) error {
	if token := a.token(r); token != "" {
		if err := a.store.DeleteCtx(r.Context(), token); err != nil {
			return err
		}
		a.takeCookie(w, r)
		return nil
	}
	who, _, err := a.django.identify(r.Context(), r)
	if who != nil {
		return problem.Explain(problem.ErrConflict, "you are logged in at the Django site: log out there")
	}
	return err
}

// Me answers GET /api/me: the user, or 401.
func (a *Accounts) Me(w http.ResponseWriter, r *http.Request) {
	who, _, err := a.identify(r.Context(), r)
	if err == nil && who == nil {
		err = problem.ErrUnauthorized
	}
	if err != nil {
		if _, given := bearer(r); !given && errors.Is(err, problem.ErrUnauthorized) && a.token(r) != "" {
			a.takeCookie(w, r)
		}
		problem.Refuse(w, r, a.log, err)
		return
	}
	problem.WriteJSON(w, http.StatusOK, a.users.show(who))
}

func (a *Accounts) takeCookie(w http.ResponseWriter, r *http.Request) {
	a.sessions(r).WriteSessionCookie(r.Context(), w, "", time.Time{})
}

// readCredentials takes JSON and nothing else.
func readCredentials(w http.ResponseWriter, r *http.Request) (credentials, error) {
	var given credentials
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return given, problem.ErrMediaType
	}
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, loginBytes))
	if err := body.Decode(&given); err != nil {
		return given, problem.OfBody(err)
	}
	if _, err := body.Token(); !errors.Is(err, io.EOF) {
		return given, problem.OfBody(err)
	}
	if given.Username == "" || given.Password == "" {
		return given, problem.Explain(problem.ErrBadRequest, "username and password are needed")
	}
	return given, nil
}
