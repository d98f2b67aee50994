package api

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/jackc/pgx/v5"

	"rowcall/api/access"
	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/api/identity"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
)

// liveServer is a whole node on a database with the samples: alice (1) owns room 1, of which bob
// (2) is a member and carol (3) has asked to be; bob owns room 2, of which alice and dave (4) are
// members; admin (5) is staff.
type liveServer struct {
	db       *schematest.Database
	addr     string
	feed     *notifier.Feed
	rules    *access.Rules
	accounts *identity.Accounts
	door     *door.Door
	metrics  *Metrics
	server   *Server
}

// another returns a second server of the same node.
func (tn *liveServer) another(t *testing.T, o Options) *Server {
	t.Helper()
	o.Logger = tn.server.log
	server, err := New(tn.feed, tn.rules, tn.accounts, tn.door, o)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func openLiveServer(t *testing.T) *liveServer {
	t.Helper()
	return openLiveServerOn(t, schematest.New(t, schematest.Samples))
}

func openLiveServerOn(t *testing.T, db *schematest.Database) *liveServer {
	t.Helper()
	return openLiveServerWith(t, db, rules.JWT{})
}

func openLiveServerWith(t *testing.T, db *schematest.Database, bearers rules.JWT) *liveServer {
	t.Helper()
	return openLimitedLiveServer(t, db, bearers, door.Options{Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, notifier.Options{})
}

// openLimitedLiveServer is openLiveServerWith with limits and options of the feed.
func openLimitedLiveServer(t *testing.T, db *schematest.Database, bearers rules.JWT, limits door.Options, o notifier.Options) *liveServer {
	t.Helper()
	return openLiveServerFor(t, db, apitest.SeedTopics(), bearers, limits, o)
}

// openLiveServerFor is openLimitedLiveServer with topics of the test's own.
func openLiveServerFor(t *testing.T, db *schematest.Database, topics []rules.Topic, bearers rules.JWT, limits door.Options, o notifier.Options) *liveServer {
	t.Helper()
	db.Exec(t, `UPDATE users SET password = '`+apitest.QuickHash+`'`)
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	pool := db.Pool(t)
	door := doortest.Open(t, limits)
	accounts, err := identity.New(t.Context(), dbconn.Over(pool), door, identity.Options{Logger: log, JWT: bearers, KeepClaims: slices.ContainsFunc(topics, rules.Topic.NamesClaims), Attempts: identity.AttemptOptions{PerAddress: 1000, PerAccount: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := access.Compile(t.Context(), dbconn.Over(pool), accounts, topics, ConsoleTopic)
	if err != nil {
		t.Fatal(err)
	}
	direct, err := pgx.ParseConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	metrics := NewMetrics()
	o.Logger = log
	feed := notifier.New(dbconn.To(direct, dbconn.Direct), dbconn.Over(pool), metrics.Timed(compiled), o)
	server, err := New(feed, compiled, accounts, door, Options{
		Sockets: seedSockets(),
		Limits:  Limits{PingInterval: time.Hour}, // no heartbeats among the frames
		Metrics: metrics,
		Logger:  log,
	})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	apitest.RunUntilEnd(t, feed.Run, func(ctx context.Context) error { return server.Serve(ctx, frugal{listener}) })
	<-feed.Ready()
	return &liveServer{db, listener.Addr().String(), feed, compiled, accounts, door, metrics, server}
}

// frugal gives connections a small send buffer: otherwise the kernel takes megabytes for a client
// that does not read.
type frugal struct{ net.Listener }

func (l frugal) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		err = conn.(*net.TCPConn).SetWriteBuffer(64 << 10)
	}
	return conn, err
}

// login logs a user in and returns the cookie.
func (tn *liveServer) login(t *testing.T, name string) string {
	t.Helper()
	answer, err := http.Post("http://"+tn.addr+"/api/login", "application/json",
		strings.NewReader(apitest.Credentials(name, "secret")))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	for _, cookie := range answer.Cookies() {
		return cookie.Name + "=" + cookie.Value
	}
	t.Fatalf("login as %s: %d", name, answer.StatusCode)
	return ""
}

// dial opens a socket as a user; anonymous if the name is empty.
func (tn *liveServer) dial(t *testing.T, path, name string) *socketClient {
	t.Helper()
	header := http.Header{}
	if name != "" {
		header.Set("Cookie", tn.login(t, name))
	}
	return tn.dialWith(t, path, header)
}

func (tn *liveServer) dialWith(t *testing.T, path string, header http.Header) *socketClient {
	t.Helper()
	ws, answer, err := websocket.DefaultDialer.Dial("ws://"+tn.addr+path, header)
	if err != nil {
		t.Fatalf("dial %s: %v %v", path, err, answer)
	}
	t.Cleanup(func() { ws.Close() })
	return &socketClient{ws, t}
}

// native opens a native socket and reads the welcome.
func (tn *liveServer) native(t *testing.T, name string) *socketClient {
	t.Helper()
	b := tn.dial(t, "/v1/ws", name)
	b.hear()
	return b
}

// subscribe subscribes to a topic and returns the cursor of the answer.
func (b *socketClient) subscribe(topic, more string) string {
	b.t.Helper()
	b.say(`{"op":"subscribe","topic":"` + topic + `"` + more + `}`)
	answer := b.hear()
	if !strings.HasPrefix(answer, `{"op":"subscribed","topic":"`+topic+`"`) {
		b.t.Fatalf("heard %s", answer)
	}
	return cursorOf(answer)
}

// cursorOf returns the cursor in a frame.
func cursorOf(frame string) string {
	_, rest, _ := strings.Cut(frame, `"cursor":"`)
	cursor, _, _ := strings.Cut(rest, `"`)
	return cursor
}

// hears expects frames that contain these texts, in order, and returns the last.
func (b *socketClient) hears(parts ...string) string {
	b.t.Helper()
	var frame string
	for _, part := range parts {
		if frame = b.hear(); !strings.Contains(frame, part) {
			b.t.Fatalf("heard %s\nwant  %s", frame, part)
		}
	}
	return frame
}
