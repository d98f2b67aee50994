package notifier

import (
	"log/slog"
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
		"access": {accessSQL, `('9223372036854775807', '{}', '1:1:', 0)`, append(slow, "Sort"), "log_0_xid"},
		"extent": {extentSQL, `('9223372036854775807', '{}', '1:1:', 0)`, append(slow, "Sort"), "log_0_xid"},
		"places": {addressesSQL, `('9223372036854775807', '{}', '1:1:', 0, 9)`, append(slow, "Sort"), "log_0_xid"},
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
