package dbconn_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// limitedRole makes a role that may have so many connections, and returns the URL of the database
// for it.
func limitedRole(t *testing.T, db *schematest.Database, connections int) string {
	t.Helper()
	role := "limited_" + db.Name
	db.Exec(t, fmt.Sprintf(`CREATE ROLE %s LOGIN PASSWORD 'secret' CONNECTION LIMIT %d`, role, connections))
	t.Cleanup(func() { db.Exec(t, `DROP OWNED BY `+role+`; DROP ROLE `+role) })
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "secret")
	return u.String()
}

func withParameter(t *testing.T, dsn, name, value string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set(name, value)
	u.RawQuery = query.Encode()
	return u.String()
}

// TestStatementsWaitForAConnection has thirty statements of each kind at a time for a role that may
// have two connections, over a pool of twenty: each of them gets its turn.
func TestStatementsWaitForAConnection(t *testing.T) {
	t.Parallel()
	const statements = 30
	db := schematest.New(t, schematest.Empty)
	dsn := limitedRole(t, db, 2)
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	pool := openPool(t, dbconn.To(config, dbconn.Direct), withParameter(t, dsn, "pool_max_conns", "20"))
	const sql = `SELECT 1 FROM pg_sleep(0.01)`
	for kind, do := range map[string]func(context.Context) error{
		"Exec": func(ctx context.Context) error { _, err := pool.Exec(ctx, sql); return err },
		"Query": func(ctx context.Context) error {
			var n int
			return pool.QueryRow(ctx, sql).Scan(&n)
		},
		"BeginTx": func(ctx context.Context) error {
			return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { _, err := tx.Exec(ctx, sql); return err })
		},
		"Use": func(ctx context.Context) error {
			return pool.Use(ctx, func(conn *pgx.Conn) error { _, err := conn.Exec(ctx, sql); return err })
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), testdeadline.Hang())
		var running sync.WaitGroup
		for range statements {
			running.Go(func() {
				if err := do(ctx); err != nil {
					t.Errorf("%s: %v", kind, err)
				}
			})
		}
		running.Wait()
		cancel()
	}
	if most := pool.Stat().TotalConns(); most > 2 {
		t.Errorf("the pool has %d connections, and the role may have 2", most)
	}
}

// TestARefusedConnectionIsToldAfterAMoment has others hold every connection of the role: the statement
// ends with the server's refusal, or with the end of its own context before that.
func TestARefusedConnectionIsToldAfterAMoment(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	dsn := limitedRole(t, db, 1)
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	other, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close(context.Background()) }()
	pool := openPool(t, dbconn.To(config, dbconn.Direct), dsn)
	if _, err := pool.Exec(t.Context(), `SELECT 1`); !strings.Contains(fmt.Sprint(err), "53300") {
		t.Errorf("without a free connection the statement ends with %v, want the server's refusal", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := pool.Exec(ctx, `SELECT 1`); err == nil {
		t.Error("the statement succeeds without a connection")
	}
}
