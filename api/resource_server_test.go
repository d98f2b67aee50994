package api

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/access"
	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/api/identity"
	"rowcall/api/resource"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
)

// resourceServer is a liveServer with resources and functions, whose node connects as a role with
// only the rights to serve.
type resourceServer struct {
	*liveServer
	feed *notifier.Feed
	pool *pgxpool.Pool // the node's
}

func resourceSockets() []rules.Socket {
	return []rules.Socket{
		{Path: "/ws/patients/", Protocol: "dcrf", Resource: "patients"},
		{Path: "/ws/", Protocol: "dcrf", Streams: []string{"patients", "dams", "jobs"}},
		{Path: "/ws/audit/", Protocol: "dcrf", Resource: "audit"},
	}
}

func openResourceServer(t *testing.T) *resourceServer {
	t.Helper()
	return openResourceServerOn(t, schematest.New(t, schematest.Samples), apitest.SampleResources(), apitest.SampleFunctions())
}

func openResourceServerOn(t *testing.T, db *schematest.Database, resources []rules.Resource, functions []rules.Function) *resourceServer {
	t.Helper()
	free := door.Options{Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	return openLimitedResourceServer(t, db, resources, functions, free, notifier.Options{})
}

// openLimitedResourceServer is openResourceServerOn with limits and options of the feed.
func openLimitedResourceServer(t *testing.T, db *schematest.Database, resources []rules.Resource, functions []rules.Function, limits door.Options, o notifier.Options) *resourceServer {
	t.Helper()
	db.Exec(t, `UPDATE users SET password = '`+apitest.QuickHash+`'`)
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	pool := db.NodePool(t)
	door := doortest.Open(t, limits)
	accounts, err := identity.New(t.Context(), dbconn.Over(pool), door, identity.Options{Logger: log, Attempts: identity.AttemptOptions{PerAddress: 1000, PerAccount: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	compiled, err1 := access.Compile(t.Context(), dbconn.Over(pool), accounts, apitest.SampleTopics(), ConsoleTopic)
	served, err2 := resource.Compile(t.Context(), dbconn.Over(pool), compiled, resources, log)
	called, err3 := resource.CompileFunctions(t.Context(), dbconn.Over(pool), functions)
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			t.Fatal(err)
		}
	}
	direct := pool.Config().ConnConfig
	o.Logger = log
	feed := notifier.New(dbconn.To(direct, dbconn.Direct), dbconn.Over(pool), compiled, o)
	sockets := seedSockets()
	if served.Named("patients") != nil {
		sockets = append(sockets, resourceSockets()...)
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
	return &resourceServer{&liveServer{db: db, addr: listener.Addr().String()}, feed, pool}
}

// httpUser logs a user in. The user is anonymous if the name is empty.
func (w *resourceServer) httpUser(t *testing.T, name string) *apitest.HTTPUser {
	t.Helper()
	return apitest.NewHTTPUser(t, "http://"+w.addr, name)
}

// patientsResource is the resource of the samples' patients, for tests without a server.
func patientsResource(t testing.TB) *resource.Resource {
	t.Helper()
	topics, err := access.Compile(t.Context(), nil, wholeIDs{}, []rules.Topic{{Topic: "patients"}})
	if err != nil {
		t.Fatal(err)
	}
	source := rules.Resource{Name: "patients", Table: "patients", Topic: "patients", Allow: rules.AllowPublic}
	return compileResources(t, topics, source).Named("patients")
}

// compileResources compiles resources on a database with the samples.
func compileResources(t testing.TB, topics *access.Rules, sources ...rules.Resource) *resource.Resources {
	t.Helper()
	pool := schematest.New(t, schematest.Samples).Pool(t)
	compiled, err := resource.Compile(t.Context(), dbconn.Over(pool), topics, sources, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}
