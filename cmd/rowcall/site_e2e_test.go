package main

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/crypto/bcrypt"

	"rowcall/schema/schematest"
)

// patience is how long a test waits for what has to come.
const patience = 30 * time.Second

// site is a node on a database with the demo's samples, as people meet it: over HTTP, WebSocket and psql.
type site struct {
	*schematest.Database
	env   map[string]string
	node  *command
	pages string // the node's address, with a slash at its end
}

// openSite starts a node that serves the example configuration as a role that may do no more than
// serve. settings are environment variables of its own.
func openSite(t *testing.T, settings map[string]string) *site {
	t.Helper()
	db := schematest.New(t, schematest.Samples)
	for _, name := range []string{"alice", "bob", "carol", "dave", "admin"} {
		hash, err := bcrypt.GenerateFromPassword([]byte(name), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		db.Exec(t, `UPDATE users SET password = $1 WHERE username = $2`, string(hash), name)
	}
	env := map[string]string{
		"ROWCALL_DATABASE_URL":  limited(t, db),
		"ROWCALL_CONFIG":        exampleFile(t),
		"ROWCALL_LIMITS_EXEMPT": "127.0.0.1/32",
	}
	maps.Copy(env, settings)
	return (&site{Database: db, env: env}).another(t)
}

// another starts one more node on the same database.
func (s *site) another(t *testing.T) *site {
	t.Helper()
	node := start(t, s.env, "serve", "--addr", "127.0.0.1:0", "--migrate=false")
	return &site{Database: s.Database, env: s.env, node: node, pages: node.stdout.after(t, "Rowcall serves", node.ended)}
}

// psqlAs feeds a script to psql as another role, whose password is secret.
func (s *site) psqlAs(t *testing.T, role, script string) string {
	t.Helper()
	url := regexp.MustCompile(`//[^@]*@`).ReplaceAllString(s.URL, "//"+role+":"+secret+"@")
	cmd := exec.CommandContext(t.Context(), s.Cluster.PsqlProgram(), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url)
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("psql as %s: %v\n%s", role, err, out)
	}
	return strings.TrimSpace(string(out))
}

// person is somebody with a browser, logged in or not.
type person struct {
	*site
	cookie string
}

func (s *site) anonymous() *person { return &person{s, ""} }

// login logs a sample account in.
func (s *site) login(t *testing.T, name string) *person {
	t.Helper()
	response := (&person{s, ""}).post(t, "api/login", fmt.Sprintf(`{"username":%q,"password":%q}`, name, name))
	if response.StatusCode != http.StatusOK || len(response.Cookies()) != 1 {
		t.Fatalf("%s logs in: %s", name, response.Status)
	}
	cookie := response.Cookies()[0]
	return &person{s, cookie.Name + "=" + cookie.Value}
}

// at is the same browser at another node.
func (p *person) at(other *site) *person { return &person{other, p.cookie} }

// post sends JSON as a page of the node's own does.
func (p *person) post(t *testing.T, path, body string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.pages+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Cookie", p.cookie)
	request.Header.Set("Origin", strings.TrimSuffix(p.pages, "/"))
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response
}

// socket is a page's end of a WebSocket.
type socket struct {
	*websocket.Conn
	t testing.TB
}

// open opens one of the addresses with a format of its own.
func (p *person) open(t testing.TB, path string) *socket {
	t.Helper()
	ws, answer, err := p.handshake(path)
	if err != nil {
		t.Fatalf("open %s: %v %v", path, err, answer)
	}
	t.Cleanup(func() { ws.Close() })
	return &socket{ws, t}
}

// native opens a native socket and takes its welcome.
func (p *person) native(t testing.TB) *socket {
	t.Helper()
	ws, answer, err := p.handshake("/v1/ws", "rowcall.v1")
	if err != nil {
		t.Fatalf("open a native socket: %v %v", err, answer)
	}
	t.Cleanup(func() { ws.Close() })
	s := &socket{ws, t}
	s.expect(golden(t, "native-welcome"))
	return s
}

func (p *person) handshake(path string, protocols ...string) (*websocket.Conn, *http.Response, error) {
	header := http.Header{"Origin": {strings.TrimSuffix(p.pages, "/")}}
	if p.cookie != "" {
		header.Set("Cookie", p.cookie)
	}
	dialer := websocket.Dialer{Subprotocols: protocols, HandshakeTimeout: patience}
	return dialer.Dial("ws"+strings.TrimPrefix(strings.TrimSuffix(p.pages, "/"), "http")+path, header)
}

func (s *socket) say(text string) {
	s.t.Helper()
	if err := s.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		s.t.Fatalf("say %s: %v", text, err)
	}
}

// hear is the next frame.
func (s *socket) hear() string {
	s.t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(patience))
	_, text, err := s.ReadMessage()
	if err != nil {
		s.t.Fatalf("hear: %v", err)
	}
	return string(text)
}

// expect takes the next frames, which have to be these and no others, byte for byte.
func (s *socket) expect(want ...string) {
	s.t.Helper()
	for _, one := range want {
		if got := s.hear(); masked(got) != masked(one) {
			s.t.Fatalf("heard %.500s\nwant  %.500s", got, one)
		}
	}
}

// expectClose wants the socket to be closed, and no frame before that.
func (s *socket) expectClose(codes ...int) {
	s.t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(patience))
	_, text, err := s.ReadMessage()
	if err == nil {
		s.t.Fatalf("heard %.500s, want a close %d", text, codes)
	}
	if !websocket.IsCloseError(err, codes...) {
		s.t.Fatalf("closed with %v, want %d", err, codes)
	}
}

// expectNoMore sees that no frame is on its way: a pong comes, and nothing before it. The socket is
// of no use afterwards.
func (s *socket) expectNoMore() {
	s.t.Helper()
	errPong := errors.New("pong")
	s.SetPongHandler(func(string) error { return errPong })
	if err := s.WriteControl(websocket.PingMessage, nil, time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	_ = s.SetReadDeadline(time.Now().Add(patience))
	if _, text, err := s.ReadMessage(); !errors.Is(err, errPong) {
		s.t.Fatalf("heard %s (%v), want nothing more", text, err)
	}
}

// golden is a frame as the folder that clients' tests read has it.
func golden(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "api", "testdata", "frames", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(text), "\n")
}

// masked is a frame without what differs from run to run.
func masked(frame string) string {
	changing := regexp.MustCompile(`"(cursor|time|session)":"[^"]+"`)
	return changing.ReplaceAllString(frame, `"$1":"…"`)
}
