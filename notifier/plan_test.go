package notifier

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/schema/schematest"
)

// A poll is over in a fraction of a millisecond only if it reads the index on xid, and does so by
// itself. With many events in the log, and statistics that say so, the planner would rather start
// parallel workers for the third of them that it expects.
func TestPollReadsOneIndexAlone(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `INSERT INTO rowcall.log_0 (slot, topic, type, data)
		SELECT 0, 'room/' || n % 100, 'said', '{"n":' || n || '}' FROM generate_series(1, 200000) n;
		ANALYZE rowcall.log`)
	direct, err := pgx.ParseConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := newConnector(direct, slog.Default()).connect(t.Context(), "poller")
	if err != nil {
		t.Fatal(err)
	}
	defer closeConn(conn)
	if _, err := conn.Prepare(t.Context(), "poll", pollSQL); err != nil {
		t.Fatal(err)
	}
	rows, _ := conn.Query(t.Context(), `EXPLAIN EXECUTE poll('9223372036854775807', '{}')`, pgx.QueryExecModeSimpleProtocol)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	plan := strings.Join(lines, "\n")
	for _, bad := range []string{"Gather", "Seq Scan on log_0", "log_0_topic_xid"} {
		if strings.Contains(plan, bad) {
			t.Errorf("the plan contains %s:\n%s", bad, plan)
		}
	}
}
