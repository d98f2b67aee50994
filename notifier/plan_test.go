package notifier

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
)

// TestPollPlans checks how the server reads polls. A poll is over in a fraction of a millisecond only if it reads the
// index on xid, and that alone. With many events in the log, and statistics that say so, the planner would rather start
// parallel workers for the third of them that it expects. A poll of many events is read without sorting it.
func TestPollPlans(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `INSERT INTO rowcall.log_0 (slot, topic, type, data)
		SELECT 0, 'room/' || n % 100, 'said', '{"n":' || n || '}' FROM generate_series(1, 200000) n;
		ANALYZE rowcall.log`)
	direct, err := pgx.ParseConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := newConnector(dbconn.To(direct, dbconn.Direct), slog.Default()).connect(t.Context(), "poller")
	if err != nil {
		t.Fatal(err)
	}
	defer closeConn(conn)
	slow := []string{"Gather", "Seq Scan on log_0", "log_0_topic_xid", "Bitmap"}
	for name, c := range map[string]struct {
		sql, arguments string
		bad            []string
		want           string
	}{
		"poll":   {pollSQL, `('9223372036854775807', '{}', 1000, 1048576)`, slow, "log_0_xid"},
		"extent": {extentSQL, `('9223372036854775807', '{}', '1:1:', 0)`, append(slow, "Sort"), "log_0_xid"},
		"walk":   {walkSQL, `('9223372036854775807', '{}', '1:1:', 0, 9)`, append(slow, "Sort"), "log_0_xid"},
		"placed": {rowsAtSQL, `(0, '{"(0,1)"}')`, append(slow, "Tid Scan on log_1"), "Tid Scan on log_0"},
	} {
		if _, err := conn.Prepare(t.Context(), name, c.sql); err != nil {
			t.Fatal(err)
		}
		rows, _ := conn.Query(t.Context(), `EXPLAIN ANALYZE EXECUTE `+name+c.arguments, pgx.QueryExecModeSimpleProtocol)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		plan := strings.Join(lines, "\n")
		for _, bad := range c.bad {
			if strings.Contains(plan, bad) {
				t.Errorf("the plan of %s contains %q:\n%s", name, bad, plan)
			}
		}
		if !strings.Contains(plan, c.want) {
			t.Errorf("the plan of %s does not contain %q:\n%s", name, c.want, plan)
		}
	}
}

// TestPollsLeaveOutWhatStillRuns polls beside a transaction that has filed many events and is open, as it was at the last
// poll. No row of it may be read: else every poll takes as long as the transaction is large.
func TestPollsLeaveOutWhatStillRuns(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	open, err := db.Pool(t).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var xid string
	const file = `WITH filed AS (INSERT INTO rowcall.log (slot, topic, type) SELECT 0, 'room', 'said' FROM generate_series(1, 20000))
		SELECT pg_current_xact_id()::text`
	if err := open.QueryRow(t.Context(), file).Scan(&xid); err != nil {
		t.Fatal(err)
	}
	direct, err := pgx.ParseConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := newConnector(dbconn.To(direct, dbconn.Direct), slog.Default()).connect(t.Context(), "poller")
	if err != nil {
		t.Fatal(err)
	}
	defer closeConn(conn)
	for name, c := range map[string]struct{ sql, arguments string }{
		"poll": {pollSQL, `('9223372036854775807', '{XID}', 1000, 1048576)`},
		"walk": {walkSQL, `('9223372036854775807', '{XID}', pg_current_snapshot()::text, 0, 9)`},
	} {
		if _, err := conn.Prepare(t.Context(), name, c.sql); err != nil {
			t.Fatal(err)
		}
		plan := ""
		for range 2 { // the first one also reads the catalog
			rows, _ := conn.Query(t.Context(), `EXPLAIN (ANALYZE, BUFFERS, COSTS off) EXECUTE `+name+strings.ReplaceAll(c.arguments, "XID", xid), pgx.QueryExecModeSimpleProtocol)
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			plan = strings.Join(lines, "\n")
		}
		if pages := pagesRead(t, plan); pages > 60 { // the transaction's rows are on about 250
			t.Errorf("%s: the poll reads %d pages:\n%s", name, pages, plan)
		}
	}
	if err := open.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// pagesRead is how many pages the plan's statement has read, as its first node says.
func pagesRead(t *testing.T, plan string) int {
	t.Helper()
	_, rest, found := strings.Cut(plan, "Buffers: shared hit=")
	number, _, _ := strings.Cut(rest, "\n")
	number, _, _ = strings.Cut(number, " ")
	pages, err := strconv.Atoi(number)
	if !found || err != nil {
		t.Fatalf("the plan does not say how much it has read:\n%s", plan)
	}
	return pages
}
