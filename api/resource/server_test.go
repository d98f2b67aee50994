package resource

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/access"
	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/api/identity"
	"rowcall/config/rules"
	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
)

func TestMain(m *testing.M) { schematest.Main(m) }

// resourceServer serves logins, resources and functions over HTTP, without a feed. It connects as a
// role that may do no more than a node needs.
type resourceServer struct {
	db  *schematest.Database
	url string
}

// openServer serves the samples.
func openServer(t *testing.T) *resourceServer {
	t.Helper()
	return openServerOn(t, schematest.New(t, schematest.Samples), apitest.SampleResources(), apitest.SampleFunctions())
}

func openServerOn(t *testing.T, db *schematest.Database, resources []rules.Resource, functions []rules.Function) *resourceServer {
	t.Helper()
	db.Exec(t, `UPDATE users SET password = '`+apitest.QuickHash+`'`)
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	pool := db.NodePool(t)
	entry := doortest.Open(t, door.Options{Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	accounts := openAccounts(t, pool, entry)
	topics, err1 := access.Compile(t.Context(), dbconn.Over(pool), accounts, apitest.SampleTopics())
	served, err2 := Compile(t.Context(), dbconn.Over(pool), topics, resources, log)
	called, err3 := CompileFunctions(t.Context(), dbconn.Over(pool), functions)
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			t.Fatal(err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/login", accounts.Login)
	mux.HandleFunc("POST /api/logout", accounts.Logout)
	served.Routes(mux, accounts.Require)
	called.Routes(mux, accounts.Require)
	server := httptest.NewServer(entry.Guard(mux))
	t.Cleanup(server.Close)
	return &resourceServer{db, server.URL}
}

func openAccounts(t *testing.T, pool *pgxpool.Pool, entry *door.Door) *identity.Accounts {
	t.Helper()
	accounts, err := identity.New(t.Context(), dbconn.Over(pool), entry, identity.Options{
		Attempts: identity.AttemptOptions{PerAddress: 1000, PerAccount: 1000},
		Logger:   slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return accounts
}

// user logs a user of the samples in. The user is anonymous if the name is empty.
func (s *resourceServer) user(t *testing.T, name string) *apitest.HTTPUser {
	t.Helper()
	return apitest.NewHTTPUser(t, s.url, name)
}

// compileTopics compiles the seeds' topics on a database.
func compileTopics(t *testing.T, db *schematest.Database) *access.Rules {
	t.Helper()
	pool := db.Pool(t)
	compiled, err := access.Compile(t.Context(), dbconn.Over(pool), openAccounts(t, pool, doortest.Open(t, door.Options{})), apitest.SeedTopics())
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}
