package dbconn_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
)

// TestPrecededQueries checks, in each way that there is, that what the first statement sets for its transaction holds
// for the query behind it and for nothing else, and that a failure of either statement leaves the connection usable.
func TestPrecededQueries(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	pooler := schematest.StartPooler(t, db.URL, schematest.Pooler{Mode: "transaction"})
	direct := openPool(t, find(t, db.URL), db.URL)
	pooled := openPool(t, find(t, pooler), pooler)
	conn := db.Conn(t)
	type queryRow interface {
		QueryRow(ctx context.Context, sql string, arguments ...any) pgx.Row
	}
	for name, way := range map[string]struct {
		precede func(first string) *dbconn.Preceded
		plain   queryRow
	}{
		"connection":          {func(first string) *dbconn.Preceded { return dbconn.Precede(conn, first) }, conn},
		"pool":                {direct.Precede, direct},
		"transaction pooling": {pooled.Precede, pooled},
	} {
		check := func(what string, row pgx.Row, want int) {
			t.Helper()
			var got int
			if err := row.Scan(&got); err != nil || got != want {
				t.Errorf("%s, %s: got %d, %v, want %d", name, what, got, err, want)
			}
		}
		fails := func(what string, row pgx.Row, want string) {
			t.Helper()
			var pgErr *pgconn.PgError
			if err := row.Scan(new(int)); !errors.As(err, &pgErr) || pgErr.Code != want {
				t.Errorf("%s, %s: got the error %v, want %s", name, what, err, want)
			}
		}
		const locks = `SELECT count(*)::int + $1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()`
		for range 2 {
			check("the query holds the lock", way.precede(`SELECT pg_advisory_xact_lock_shared(1)`).QueryRow(t.Context(), locks, 10), 11)
			check("nothing holds it after that", way.plain.QueryRow(t.Context(), locks, 10), 10)
			timed := way.precede(`SELECT set_config('statement_timeout', '50ms', true)`)
			fails("the query takes too long", timed.QueryRow(t.Context(), `SELECT 1 FROM pg_sleep(600)`), "57014")
			check("there is no such limit after that", way.plain.QueryRow(t.Context(), `SELECT 1 FROM pg_sleep(0.1)`), 1)
			fails("the first statement fails", way.precede(`SELECT 1 / 0`).QueryRow(t.Context(), locks, 10), "22012")
			check("the next query succeeds", timed.QueryRow(t.Context(), locks, 10), 10)
		}
	}
}
