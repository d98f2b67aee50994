package schema_test

import (
	"bytes"
	"database/sql"
	"log/slog"
	"net/url"
	"sync"
	"testing"

	"rowcall/schema"
	"rowcall/schema/schematest"
)

func TestMain(m *testing.M) { schematest.Main(m) }

// book is a log that a test reads afterwards.
type book struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *book) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// quietly are options that log nowhere.
func quietly(apps, samples bool) schema.Options {
	return schema.Options{Apps: apps, Samples: samples, Logger: slog.New(slog.DiscardHandler)}
}

// one reads a single value.
func one[T any](t testing.TB, db *sql.DB, query string, args ...any) T {
	t.Helper()
	var value T
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&value); err != nil {
		t.Fatalf("ask %q: %v", query, err)
	}
	return value
}

func run(t testing.TB, db *sql.DB, statements string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statements); err != nil {
		t.Fatalf("run %q: %v", statements, err)
	}
}

func mustMigrate(t testing.TB, db *sql.DB, o schema.Options) {
	t.Helper()
	if err := schema.Migrate(t.Context(), db, o); err != nil {
		t.Fatal(err)
	}
}

// as opens a database as another role, whose password is its name; without a role as the superuser.
func as(t testing.TB, db *schematest.Database, database, role string) *sql.DB {
	t.Helper()
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + database
	if role != "" {
		u.User = url.UserPassword(role, role)
	}
	other, err := sql.Open("pgx", u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	return other
}
