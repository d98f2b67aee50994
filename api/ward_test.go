package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/access"
	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/api/identity"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// ward is a town with resources and functions, whose node connects as a role that may do no more than serve.
type ward struct {
	*town
	feed *notifier.Feed
	pool *pgxpool.Pool // the node's
}

func wardResources() []rules.Resource {
	return []rules.Resource{
		{Name: "patients", Table: "patients", Allow: "authenticated", Topic: "patients"},
		{Name: "rooms", Table: "chat_rooms", Allow: "authenticated", Label: "title", Follow: []string{"room"}},
		{Name: "members", Table: "chat_room_members", Allow: "authenticated", Follow: []string{"room"}},
		{Name: "messages", Table: "chat_messages", Allow: "authenticated", Follow: []string{"room"}},
		{Name: "join_requests", Table: "chat_join_requests", Allow: "authenticated", Follow: []string{"room"}},
		{Name: "users", Table: "users", Allow: "authenticated", Follow: []string{"user"}},
		{Name: "dams", Table: "public.dams", Allow: "public", Topic: "dams"},
		{Name: "jobs", Table: "job_postings", Allow: "authenticated", Topic: "jobs/{me}", Follow: []string{"jobs"}},
		{Name: "audit", Table: "job_postings", Topic: "audit/jobs"},
	}
}

func wardFunctions() []rules.Function {
	return []rules.Function{
		{Name: "join_room", Function: "rowcall.chat_join_by_code", Allow: "authenticated"},
		{Name: "create_room", Function: "rowcall.chat_create_room", Allow: "authenticated"},
		{Name: "leave_room", Function: "rowcall.chat_leave_room", Allow: "authenticated"},
		{Name: "remove_member", Function: "rowcall.chat_remove_member", Allow: "authenticated"},
		{Name: "hand_over", Function: "rowcall.chat_hand_over", Allow: "authenticated"},
		{Name: "start_job", Function: "rowcall.jobs_start", Allow: "authenticated"},
	}
}

func wardSockets() []rules.Socket {
	return []rules.Socket{
		{Path: "/ws/patients/", Protocol: "dcrf", Resource: "patients"},
		{Path: "/ws/", Protocol: "dcrf", Streams: []string{"patients", "dams", "jobs"}},
		{Path: "/ws/audit/", Protocol: "dcrf", Resource: "audit"},
	}
}

func openWard(t *testing.T) *ward {
	t.Helper()
	return openWardOn(t, schematest.New(t, schematest.Samples), wardResources(), wardFunctions())
}

func openWardOn(t *testing.T, db *schematest.Database, resources []rules.Resource, functions []rules.Function) *ward {
	t.Helper()
	free := door.Options{Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	return openLimitedWard(t, db, resources, functions, free, notifier.Options{})
}

// openLimitedWard is openWardOn, with a say in who may have how much.
func openLimitedWard(t *testing.T, db *schematest.Database, resources []rules.Resource, functions []rules.Function, limits door.Options, o notifier.Options) *ward {
	t.Helper()
	db.Exec(t, `UPDATE users SET password = '`+apitest.QuickHash+`'`)
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	pool := nodePool(t, db)
	door := doortest.Open(t, limits)
	accounts, err := identity.New(t.Context(), pool, door, identity.Options{Logger: log, Attempts: identity.AttemptOptions{PerAddress: 1000, PerAccount: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	topics := append(apitest.SeedTopics(), rules.Topic{Topic: "patients", Allow: "authenticated"}, rules.Topic{Topic: "patients/{id:int}", Allow: "authenticated"},
		rules.Topic{Topic: "room", Allow: "staff", Access: `SELECT true AS allowed, true AS owner`}, rules.Topic{Topic: "user"}, rules.Topic{Topic: "jobs"})
	compiled, err1 := access.Compile(t.Context(), pool, accounts, topics, ConsoleTopic)
	served, err2 := CompileResources(t.Context(), pool, compiled, resources, log)
	called, err3 := CompileFunctions(t.Context(), pool, functions)
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			t.Fatal(err)
		}
	}
	direct := pool.Config().ConnConfig
	o.Logger = log
	feed := notifier.New(direct, pool, compiled, o)
	sockets := seedSockets()
	if served.named("patients") != nil {
		sockets = append(sockets, wardSockets()...)
	}
	server, err := New(feed, compiled, accounts, door, Options{
		Sockets: sockets, Resources: served, Functions: called,
		Limits: Limits{PingInterval: time.Hour, FramesPerSecond: 1000, WriteTimeout: time.Hour}, // no test is faster than a limit
		Logger: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	apitest.RunUntilEnd(t, feed.Run, func(ctx context.Context) error { return server.Serve(ctx, listener) })
	<-feed.Ready()
	return &ward{&town{db: db, addr: listener.Addr().String()}, feed, pool}
}

// nodePool connects as a role of the test's own that may do what a node may.
func nodePool(t *testing.T, db *schematest.Database) *pgxpool.Pool {
	t.Helper()
	role := "node_" + db.Name
	db.Exec(t, `CREATE ROLE `+role+` LOGIN PASSWORD 'secret' IN ROLE rowcall_server`)
	t.Cleanup(func() { db.Exec(t, `DROP OWNED BY `+role+`; DROP ROLE `+role) })
	at, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	at.User = url.UserPassword(role, "secret")
	pool, err := pgxpool.New(t.Context(), at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// visitor talks to the ward over HTTP.
type visitor struct {
	t      *testing.T
	base   string
	cookie string
}

// visitor logs a user in; nobody when the name is empty.
func (w *ward) visitor(t *testing.T, name string) *visitor {
	t.Helper()
	v := &visitor{t: t, base: "http://" + w.addr}
	if name != "" {
		v.cookie = w.login(t, name)
	}
	return v
}

// response is what came back.
type response struct {
	status int
	header http.Header
	body   string
}

func (v *visitor) send(method, path, content string) response {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.base+path, strings.NewReader(content))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Cookie", v.cookie)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if content != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	came, err := http.DefaultClient.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer came.Body.Close()
	text, err := io.ReadAll(came.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return response{came.StatusCode, came.Header, strings.TrimSpace(string(text))}
}

// wants sends a request and compares the answer: its status, and with want given the fields of its body.
func (v *visitor) wants(status int, want, method, path, content string) response {
	v.t.Helper()
	came := v.send(method, path, content)
	if came.status != status || want != "" && !holds(v.t, came.body, want) {
		v.t.Errorf("%s %s %s\nanswered %d %s\nwant     %d %s", method, path, content, came.status, came.body, status, want)
	}
	return came
}

// holds reports whether a JSON document has all that another one has: of objects the fields named, of
// everything else all of it.
func holds(t *testing.T, document, part string) bool {
	t.Helper()
	var got, want any
	if err := json.Unmarshal([]byte(document), &got); err != nil {
		return false
	}
	if err := json.Unmarshal([]byte(part), &want); err != nil {
		t.Fatalf("%s: %v", part, err)
	}
	return contains(got, want)
}

func contains(got, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		has, ok := got.(map[string]any)
		for name, value := range want {
			ok = ok && contains(has[name], value)
		}
		return ok
	case []any:
		has, ok := got.([]any)
		ok = ok && len(has) == len(want)
		for i := range want {
			ok = ok && contains(has[i], want[i])
		}
		return ok
	}
	return got == want
}

// fieldOf is a field of a JSON object, as text.
func fieldOf(t *testing.T, document, name string) string {
	t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(document), &object); err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	return string(bytes.Trim(object[name], `"`))
}

// one reads a value from the database, as the superuser.
func (w *ward) one(t *testing.T, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), w.db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var text string
	if err := conn.QueryRow(t.Context(), "SELECT ("+sql+")::text").Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}
