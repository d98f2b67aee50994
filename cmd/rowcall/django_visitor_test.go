package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"github.com/gorilla/websocket"
)

// visitor is somebody with a browser, at the Django site and at the node: cookies do not know ports.
type visitor struct {
	*djangoSite
	client *http.Client
}

// visit logs an account in whose password is its name, in the admin or at the site's own form.
func (d *djangoSite) visit(form, name string) *visitor {
	d.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	v := &visitor{d, &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}}
	v.submit(form, "username", name, "password", name)
	if v.sessionID() == "" {
		d.t.Fatalf("%s is not logged in at %s", name, form)
	}
	return v
}

func (d *djangoSite) user(name string) *visitor  { d.t.Helper(); return d.visit("login/", name) }
func (d *djangoSite) staff(name string) *visitor { d.t.Helper(); return d.visit("admin/login/", name) }

// submit reads a form and sends it as a browser does: with the token against forgery that the form has.
func (v *visitor) submit(path string, fields ...string) {
	v.t.Helper()
	v.send(path, v.token(path), fields...)
}

// send is submit with the token of another form.
func (v *visitor) send(path, token string, fields ...string) {
	v.t.Helper()
	form := url.Values{"csrfmiddlewaretoken": {token}}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	request, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Referer", v.url+path)
	if page := v.read(request); strings.Contains(page, "errornote") {
		v.t.Fatalf("%s is not accepted: %s", path, page)
	}
}

// token is what the form at an address has to be sent with.
func (v *visitor) token(path string) string {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.url+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	page := v.read(request)
	found := regexp.MustCompile(`name="csrfmiddlewaretoken" value="([^"]+)"`).FindStringSubmatch(page)
	if found == nil {
		v.t.Fatalf("%s has no form: %s", path, page)
	}
	return found[1]
}

func (v *visitor) read(request *http.Request) string {
	v.t.Helper()
	response, err := v.client.Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		v.t.Fatalf("%s answers %s: %s", request.URL, response.Status, page)
	}
	return string(page)
}

// sessionID is what Django's cookie holds.
func (v *visitor) sessionID() string {
	at, _ := url.Parse(v.url)
	for _, cookie := range v.client.Jar.Cookies(at) {
		if cookie.Name == "sessionid" {
			return cookie.Value
		}
	}
	return ""
}

// person is the same browser at the node, as it is now.
func (v *visitor) person() *person { return &person{v.site, "sessionid=" + v.sessionID()} }

// open opens a socket of the node from a page of the Django site.
func (v *visitor) open(path string) *socket {
	v.t.Helper()
	ws, answer, err := v.openFrom(strings.TrimSuffix(v.url, "/"), path)
	if err != nil {
		v.t.Fatalf("open %s: %v %v", path, err, answer)
	}
	v.t.Cleanup(func() { ws.Close() })
	return &socket{ws, v.t}
}

// openFrom is open from a page of any origin.
func (v *visitor) openFrom(origin, path string) (*websocket.Conn, *http.Response, error) {
	header := http.Header{"Origin": {origin}, "Cookie": {"sessionid=" + v.sessionID()}}
	return websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(strings.TrimSuffix(v.pages, "/"), "http")+path, header)
}
