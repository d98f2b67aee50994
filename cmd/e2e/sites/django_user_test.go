package sites

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"github.com/gorilla/websocket"

	"rowcall/cmd/e2e/rowcalltest"
)

// djangoUser is a user with a browser, at the Django site and at the node. Both see the same
// cookies, because cookies do not depend on the port.
type djangoUser struct {
	*djangoSite
	client *http.Client
}

// logIn logs an account in, by the form of the admin or of the site. The password of the account is
// its name.
func (d *djangoSite) logIn(form, name string) *djangoUser {
	d.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	u := &djangoUser{d, &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}}
	u.submit(form, "username", name, "password", name)
	if u.sessionID() == "" {
		d.t.Fatalf("%s is not logged in at %s", name, form)
	}
	return u
}

func (d *djangoSite) user(name string) *djangoUser { d.t.Helper(); return d.logIn("login/", name) }
func (d *djangoSite) staff(name string) *djangoUser {
	d.t.Helper()
	return d.logIn("admin/login/", name)
}

// submit loads a form and sends it as a browser does, with the token against forgery.
func (u *djangoUser) submit(path string, fields ...string) {
	u.t.Helper()
	u.send(path, u.token(path), fields...)
}

// send sends a form with the token of another form.
func (u *djangoUser) send(path, token string, fields ...string) {
	u.t.Helper()
	form := url.Values{"csrfmiddlewaretoken": {token}}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	request, err := http.NewRequestWithContext(u.t.Context(), http.MethodPost, u.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		u.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Referer", u.url+path)
	if page := u.read(request); strings.Contains(page, "errornote") {
		u.t.Fatalf("%s is not accepted: %s", path, page)
	}
}

// token returns the token of the form at an address.
func (u *djangoUser) token(path string) string {
	u.t.Helper()
	request, err := http.NewRequestWithContext(u.t.Context(), http.MethodGet, u.url+path, nil)
	if err != nil {
		u.t.Fatal(err)
	}
	page := u.read(request)
	found := regexp.MustCompile(`name="csrfmiddlewaretoken" value="([^"]+)"`).FindStringSubmatch(page)
	if found == nil {
		u.t.Fatalf("%s has no form: %s", path, page)
	}
	return found[1]
}

func (u *djangoUser) read(request *http.Request) string {
	u.t.Helper()
	response, err := u.client.Do(request)
	if err != nil {
		u.t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		u.t.Fatalf("%s answers %s: %s", request.URL, response.Status, page)
	}
	return string(page)
}

// sessionID returns the content of Django's cookie.
func (u *djangoUser) sessionID() string {
	at, _ := url.Parse(u.url)
	for _, cookie := range u.client.Jar.Cookies(at) {
		if cookie.Name == "sessionid" {
			return cookie.Value
		}
	}
	return ""
}

// atNode returns the same login at the node, with the cookie of this moment.
func (u *djangoUser) atNode() *rowcalltest.HTTPUser {
	return u.Server.WithCookie("sessionid=" + u.sessionID())
}

// open opens a socket of the node from a page of the Django site.
func (u *djangoUser) open(path string) *rowcalltest.SocketClient {
	u.t.Helper()
	ws, answer, err := u.openFrom(strings.TrimSuffix(u.url, "/"), path)
	if err != nil {
		u.t.Fatalf("open %s: %v %v", path, err, answer)
	}
	u.t.Cleanup(func() { ws.Close() })
	return &rowcalltest.SocketClient{Conn: ws, T: u.t}
}

// openFrom tries to open a socket of the node from a page of any origin.
func (u *djangoUser) openFrom(origin, path string) (*websocket.Conn, *http.Response, error) {
	header := http.Header{"Origin": {origin}, "Cookie": {"sessionid=" + u.sessionID()}}
	return websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(strings.TrimSuffix(u.Pages, "/"), "http")+path, header)
}
