package notifier_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
)

// TestALargeBatchArrivesWithThreeConnections has other clients take every connection of the node's role
// that the node does not hold. A transaction of more events than a chunk, a queue and the tail hold
// arrives all the same. The connections of the pool live so short that a pool without a held
// connection would have none.
func TestALargeBatchArrivesWithThreeConnections(t *testing.T) {
	t.Parallel()
	const connections, events = 3, 1500
	db := schematest.New(t, schematest.CoreOnly)
	dsn := limitedNode(t, db, connections)
	config := poolConfig(t, dsn+"&pool_max_conn_lifetime=1ns")
	server := dbconn.To(config.ConnConfig, dbconn.Direct)
	pool, err := server.OpenPool(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	n := launchNodeOver(t, config.ConnConfig, pool, openRules{}, notifier.Options{QueueEvents: 100, TailEvents: 100})
	n.await(t)
	r := follow(t, n, notifier.Request{}, "room")
	takeConnections(t, server)
	db.Exec(t, fmt.Sprintf(`SELECT rowcall.publish('room', 'test', to_json(n)) FROM generate_series(1, %d) n`, events))
	if got := r.data(events); !slices.Equal(got, numbers(1, events)) {
		t.Errorf("got %d events, want 1 to %d in order", len(got), events)
	}
	r.silent(db, "room")
}

// limitedNode makes a role for a node that may have so many connections, and returns the URL of the
// database for it.
func limitedNode(t *testing.T, db *schematest.Database, connections int) string {
	t.Helper()
	role := "limited_" + db.Name
	db.Exec(t, fmt.Sprintf(`CREATE ROLE %s LOGIN PASSWORD 'secret' IN ROLE rowcall_server CONNECTION LIMIT %d`, role, connections))
	t.Cleanup(func() { db.Exec(t, `DROP OWNED BY `+role+`; DROP ROLE `+role) })
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "secret")
	return u.String()
}

// takeConnections takes the connections that the server has left, until it has refused many in a row.
func takeConnections(t *testing.T, server *dbconn.Server) {
	t.Helper()
	for refused := 0; refused < 30; refused++ {
		other, err := server.Connect(t.Context(), nil)
		if err != nil {
			continue
		}
		refused = 0
		t.Cleanup(func() { closeOther(other) })
	}
}

func closeOther(conn *pgx.Conn) { _ = conn.Close(context.Background()) }
