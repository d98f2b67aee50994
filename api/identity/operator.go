package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"rowcall/api/door"
	"rowcall/api/problem"
	"rowcall/notifier/topic"
)

// CodeLifetime is how long a one-time code is good.
const CodeLifetime = 10 * time.Minute

// operatorName is the user id and the username of the operator.
const operatorName = "operator"

// operatorLogin is the Login of the operator's identity. No login has this name.
const operatorLogin = "(operator)"

// Operator is the person who runs a node in a terminal, where there are no accounts. Whoever shows the one-time code, once,
// over the loopback interface, is the operator from then on in that browser: staff, until the process ends. Nothing of it is
// stored anywhere but in memory.
type Operator struct {
	code   string
	cookie [sha256.Size]byte // a hash of the cookie's value; fixed at construction, so it is read without the lock

	mu    sync.Mutex // guards what follows
	value string     // of the cookie; empty once it was handed out
	until time.Time  // when the code ends
}

// NewOperator makes an operator with a new code.
func NewOperator() *Operator {
	value := rand.Text() + rand.Text()
	return &Operator{code: rand.Text(), cookie: sha256.Sum256([]byte(value)), value: value, until: time.Now().Add(CodeLifetime)}
}

// Code is the one-time code. It belongs behind the # of an address, which browsers do not send.
func (o *Operator) Code() string { return o.code }

// Identity is who the operator is to access and to the feed.
func (o *Operator) Identity() Identity {
	return Identity{User: operatorName, Name: operatorName, Login: operatorLogin, Staff: true}
}

func (o *Operator) account() *account {
	return &account{ID: operatorName, Username: operatorName, Staff: true}
}

// redeem exchanges the code for the value of the cookie. It works once. A wrong code changes nothing: it has 130 random bits,
// and nobody should be able to use it up by guessing.
func (o *Operator) redeem(code string, now time.Time) (value string, ok bool) {
	given, wanted := sha256.Sum256([]byte(code)), sha256.Sum256([]byte(o.code))
	o.mu.Lock()
	defer o.mu.Unlock()
	if subtle.ConstantTimeCompare(given[:], wanted[:]) != 1 || o.value == "" || !now.Before(o.until) {
		return "", false
	}
	value, o.value = o.value, ""
	return value, true
}

// operatorCookieName is the name of the operator's cookie. Cookies are shared by all ports of a host name, so the name has the port:
// two nodes of one machine do not take each other's away.
func operatorCookieName(r *http.Request) string {
	_, port, _ := net.SplitHostPort(localAddr(r).String())
	return "rowcall_operator_" + port
}

func localAddr(r *http.Request) net.Addr {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return &net.TCPAddr{}
	}
	return local
}

// isOwnLoopback reports whether a request comes over the loopback interface, and from no page but the node's own. A page of an
// origin that the configuration allows is not enough.
func isOwnLoopback(d *door.Door, r *http.Request) bool {
	return door.IsLoopbackAddr(localAddr(r)) && d.Address(r).IsLoopback() && d.IsOwnOrigin(r)
}

// recognizes reports whether a request is the operator's.
func (o *Operator) recognizes(d *door.Door, r *http.Request) bool {
	if o == nil {
		return false
	}
	cookie, err := r.Cookie(operatorCookieName(r))
	if err != nil || !isOwnLoopback(d, r) {
		return false
	}
	given := sha256.Sum256([]byte(cookie.Value))
	return subtle.ConstantTimeCompare(given[:], o.cookie[:]) == 1
}

// checkOperator refuses an operator beside accounts: the operator's user id would not exist among the accounts.
func checkOperator(o *Operator, users *users) error {
	if o == nil || users.noTable && users.kind == topic.KindText {
		return nil
	}
	return fmt.Errorf("an operator with a one-time code needs a node without accounts (auth.users.table: %q), whose user ids are text", noColumn)
}

// RedeemCode answers POST /api/code: it takes the one-time code, and returns the user and the operator's cookie.
func (a *Accounts) RedeemCode(w http.ResponseWriter, r *http.Request) {
	if err := a.redeemCode(w, r); err != nil {
		problem.Refuse(w, r, a.log, err)
		return
	}
	problem.WriteJSON(w, http.StatusOK, a.users.answer(a.operator.account()))
}

func (a *Accounts) redeemCode(w http.ResponseWriter, r *http.Request) error {
	switch {
	case a.operator == nil:
		return problem.Explain(problem.ErrNotFound, "this node gives no one-time codes")
	case !isOwnLoopback(a.door, r):
		return problem.Explain(problem.ErrForbidden, "a one-time code is good on this machine only, and on the node's own page")
	}
	var given struct {
		Code string `json:"code"`
	}
	if err := problem.ReadJSON(w, r, maxLoginBytes, &given); err != nil {
		return err
	}
	value, ok := a.operator.redeem(given.Code, time.Now())
	if !ok {
		return problem.Explain(problem.ErrUnauthorized, fmt.Sprintf("the code is wrong, used, or older than %.0f minutes: start rowcall watch again", CodeLifetime.Minutes()))
	}
	http.SetCookie(w, a.operatorCookie(r, value))
	a.log.Info("the one-time code was used", "address", a.door.Address(r))
	return nil
}

// operatorCookie is the cookie with a value; an empty value removes it.
func (a *Accounts) operatorCookie(r *http.Request, value string) *http.Cookie {
	c := &http.Cookie{Name: operatorCookieName(r), Value: value, Path: "/", HttpOnly: true, Secure: a.door.Secure(r), SameSite: http.SameSiteStrictMode}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}
