package dbconn_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
)

func TestMain(m *testing.M) { schematest.Main(m) }

// hostile are settings that an operator or a hosting company may give to a role.
const hostile = `
ALTER ROLE {role} SET client_encoding = 'LATIN1';
ALTER ROLE {role} SET default_transaction_read_only = on;
ALTER ROLE {role} SET default_transaction_isolation = 'serializable';
ALTER ROLE {role} SET default_transaction_deferrable = on;
ALTER ROLE {role} SET statement_timeout = '700ms';
ALTER ROLE {role} SET lock_timeout = '70ms';
ALTER ROLE {role} SET idle_in_transaction_session_timeout = '100ms';
ALTER ROLE {role} SET idle_session_timeout = '300ms';
ALTER ROLE {role} SET TimeZone = 'Asia/Tokyo';
ALTER ROLE {role} SET DateStyle = 'German';
ALTER ROLE {role} SET IntervalStyle = 'sql_standard';
ALTER ROLE {role} SET bytea_output = 'escape';
ALTER ROLE {role} SET extra_float_digits = -15;
ALTER ROLE {role} SET xmlbinary = 'hex';
ALTER ROLE {role} SET quote_all_identifiers = on;
ALTER ROLE {role} SET jit = on;
ALTER ROLE {role} SET row_security = off;
ALTER ROLE {role} SET transform_null_equals = on;
ALTER ROLE {role} SET array_nulls = off;
ALTER ROLE {role} SET exit_on_error = on;
ALTER ROLE {role} SET standard_conforming_strings = off;
DO $$ BEGIN
	IF current_setting('server_version_num')::int >= 170000 THEN ALTER ROLE {role} SET transaction_timeout = '900ms'; END IF;
END $$`

// shown reads every setting that hostile changes.
const shown = `SELECT coalesce(string_agg(name || '=' || setting, ' ' ORDER BY lower(name)), '') FROM pg_settings WHERE lower(name) = ANY ($1)`

// right is what they have to be.
func right(version int) string {
	all := "array_nulls=on bytea_output=hex client_encoding=UTF8 DateStyle=ISO, MDY default_transaction_deferrable=off default_transaction_isolation=read committed " +
		"default_transaction_read_only=off exit_on_error=off extra_float_digits=1 idle_in_transaction_session_timeout=0 idle_session_timeout=0 IntervalStyle=postgres " +
		"jit=off lock_timeout=0 quote_all_identifiers=off row_security=on standard_conforming_strings=on statement_timeout=0 TimeZone=UTC "
	if version >= 17 {
		all += "transaction_timeout=0 "
	}
	return all + "transform_null_equals=off xmlbinary=base64"
}

func names() []string {
	var names []string
	for line := range strings.Lines(hostile) {
		if fields := strings.Fields(line); len(fields) > 4 && fields[0] == "ALTER" {
			names = append(names, strings.ToLower(fields[4]))
		}
	}
	return append(names, "transaction_timeout")
}

// hostileRole makes a role with such settings and returns the URL of the database for it.
func hostileRole(t *testing.T, db *schematest.Database) *url.URL {
	t.Helper()
	role := "hostile_" + db.Name
	db.Exec(t, `CREATE ROLE `+role+` LOGIN PASSWORD 'secret'; GRANT ALL ON SCHEMA public TO `+role)
	db.Exec(t, strings.ReplaceAll(hostile, "{role}", role))
	t.Cleanup(func() { db.Exec(t, `DROP OWNED BY `+role+`; DROP ROLE `+role) })
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "secret")
	return u
}

func find(t *testing.T, dsn string) *dbconn.Server {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	server, err := dbconn.Find(t.Context(), config)
	if err != nil {
		t.Fatalf("Find(%s): %v", dsn, err)
	}
	return server
}

func openPool(t *testing.T, server *dbconn.Server, dsn string) *dbconn.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := server.OpenPool(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func majorVersion(t *testing.T, db *schematest.Database) int {
	t.Helper()
	var version int
	if err := db.Conn(t).QueryRow(t.Context(), `SELECT current_setting('server_version_num')::int / 10000`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	return version
}

// TestSettings connects as a role whose settings are all wrong, in every way there is: each statement
// runs with the settings of this package.
func TestSettings(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	to := hostileRole(t, db)
	want := right(majorVersion(t, db))
	transaction, session := schematest.Pooler{Mode: "transaction"}, schematest.Pooler{Mode: "session"}
	careless := []string{"ignore_startup_parameters = " + strings.Join(append(names(), "xmloption", "default_table_access_method", "options"), ",")}
	for name, c := range map[string]struct {
		pooler  *schematest.Pooler
		options string
		want    dbconn.Pooling
	}{
		"direct":                              {nil, "", dbconn.Direct},
		"direct, with options":                {nil, "&options=-c%20statement_timeout%3D9s%20-c%20client_encoding%3DLATIN1%20-c%20timezone%3DAsia/Tokyo&TIMEZONE=Asia/Tokyo", dbconn.Direct},
		"transaction pooling":                 {&transaction, "", dbconn.TransactionPooling},
		"transaction pooling, ignoring names": {&schematest.Pooler{Mode: "transaction", Settings: careless}, "", dbconn.TransactionPooling},
		"transaction pooling, in turns":       {&schematest.Pooler{Mode: "transaction", Settings: []string{"server_round_robin = 1"}}, "", dbconn.TransactionPooling},
		"session pooling":                     {&session, "", dbconn.SessionPooling},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := to.String() + c.options
			if c.pooler != nil {
				dsn = schematest.StartPooler(t, dsn, *c.pooler)
			}
			server := find(t, dsn)
			if server.Pooling() != c.want {
				t.Fatalf("found %s, want %s", server.Pooling(), c.want)
			}
			pool := openPool(t, server, dsn)
			for range 3 {
				checkSettings(t, pool, want)
			}
		})
	}
}

// checkSettings reads the settings in each way that a pool has.
func checkSettings(t *testing.T, pool *dbconn.Pool, want string) {
	t.Helper()
	check := func(how, got string, err error) {
		t.Helper()
		if err != nil || got != want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", how, err, got, want)
		}
	}
	var got string
	err := pool.QueryRow(t.Context(), shown, names()).Scan(&got)
	check("QueryRow", got, err)
	rows, _ := pool.Query(t.Context(), shown, names())
	got, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
	check("Query", got, err)
	for _, o := range []pgx.TxOptions{{}, {IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}} {
		err = pgx.BeginTxFunc(t.Context(), pool, o, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), shown, names()).Scan(&got)
		})
		check(fmt.Sprintf("a transaction %v", o), got, err)
	}
	if _, err := pool.Exec(t.Context(), `CREATE TABLE IF NOT EXISTS written (n int)`); err != nil {
		t.Errorf("Exec: %v", err)
	}
	err = pool.Use(t.Context(), func(conn *pgx.Conn) error {
		return conn.QueryRow(t.Context(), shown, names()).Scan(&got)
	})
	check("Use", got, err)
}

// TestTransactionPooling writes and reads at the same time through a pooler with few connections: no
// statement meets the settings, the prepared statements or the failed transaction of another.
func TestTransactionPooling(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]schematest.Pooler{
		"two connections":                {Settings: []string{"default_pool_size = 2"}},
		"one connection":                 {Settings: []string{"default_pool_size = 1"}},
		"a pooler that keeps statements": {Prepares: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Mode = "transaction"
			db := schematest.New(t, schematest.Empty)
			db.Exec(t, `CREATE TABLE counters (n int PRIMARY KEY, hits int NOT NULL DEFAULT 0); INSERT INTO counters SELECT generate_series(0, 7)`)
			dsn := schematest.StartPooler(t, db.URL, o)
			pool := openPool(t, find(t, dsn), dsn)
			const each = 50
			done := make(chan error, 8)
			for n := range 8 {
				go func() { done <- count(t.Context(), pool, n, each) }()
			}
			for range 8 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			var least, most int
			if err := pool.QueryRow(t.Context(), `SELECT min(hits), max(hits) FROM counters`).Scan(&least, &most); err != nil || least != each || most != each {
				t.Errorf("%d to %d hits, %v; want %d", least, most, err, each)
			}
			if free := pool.Stat().AcquiredConns(); free != 0 {
				t.Errorf("%d connections of the pool are still in use", free)
			}
		})
	}
}

// count adds hits to a counter, with statements that fail in between.
func count(ctx context.Context, pool *dbconn.Pool, n, times int) error {
	for i := range times {
		if _, err := pool.Exec(ctx, `UPDATE counters SET hits = hits + 1 WHERE n = $1`, n); err != nil {
			return err
		}
		rows, _ := pool.Query(ctx, `SELECT n FROM counters ORDER BY n`)
		all, err := pgx.CollectRows(rows, pgx.RowTo[int])
		if err != nil || !slices.Equal(all, []int{0, 1, 2, 3, 4, 5, 6, 7}) {
			return fmt.Errorf("read %v, %w", all, err)
		}
		var none int
		if err := pool.QueryRow(ctx, `SELECT 1 / ($1::int - $1::int)`, i).Scan(&none); err == nil {
			return fmt.Errorf("a division by zero gave %d", none)
		}
		if err := pool.QueryRow(ctx, `SELECT n FROM counters WHERE n = $1`, -1).Scan(&none); err != pgx.ErrNoRows {
			return fmt.Errorf("no row: %w", err)
		}
	}
	return nil
}
