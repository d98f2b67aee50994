package dbconn_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// openAging opens a pool whose connections expire at once.
func openAging(t *testing.T) *dbconn.Pool {
	t.Helper()
	dsn := schematest.New(t, schematest.Empty).URL
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return openPool(t, dbconn.To(config, dbconn.Direct), withParameter(t, dsn, "pool_max_conn_lifetime", "1ns"))
}

// process returns the server's process behind the connection that a statement gets.
func process(t *testing.T, pool *dbconn.Pool) (pid int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
		t.Fatal(err)
	}
	return pid
}

// TestAPoolHoldsOneConnection opens a pool that no statement uses, and then uses it for longer than
// its connections live: there is one connection from the start, and it stays the same.
func TestAPoolHoldsOneConnection(t *testing.T) {
	t.Parallel()
	pool := openAging(t)
	deadline := time.After(testdeadline.Hang())
	for pool.Stat().IdleConns() == 0 {
		select {
		case <-deadline:
			t.Fatal("the pool has no connection before its first statement, want 1")
		case <-time.Tick(time.Millisecond):
		}
	}
	first := process(t, pool)
	for n := range 20 {
		if got := process(t, pool); got != first {
			t.Fatalf("statement %d runs in process %d, want the first statement's %d", n+2, got, first)
		}
	}
}

// TestAPoolRetiresItsOtherConnections uses two connections at a time, for longer than they live: one of
// them stays, and the other one is replaced.
func TestAPoolRetiresItsOtherConnections(t *testing.T) {
	t.Parallel()
	pool := openAging(t)
	processes := make(map[uint32]bool)
	for range 3 {
		err := pool.Use(t.Context(), func(one *pgx.Conn) error {
			return pool.Use(t.Context(), func(other *pgx.Conn) error {
				processes[one.PgConn().PID()], processes[other.PgConn().PID()] = true, true
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(processes) < 4 {
		t.Errorf("two connections at a time, three times, were %d processes, want 4: one is held, and three follow each other", len(processes))
	}
}

// TestAPoolHoldsAnotherConnectionThanALostOne ends the process of the connection that the pool holds: the
// pool holds another one. Others may be made at the same time, and serve one statement each, since they
// expire at once.
func TestAPoolHoldsAnotherConnectionThanALostOne(t *testing.T) {
	t.Parallel()
	pool := openAging(t)
	lost := 0
	_ = pool.Use(t.Context(), func(conn *pgx.Conn) error {
		lost = int(conn.PgConn().PID())
		return conn.Close(context.WithoutCancel(t.Context()))
	})
	statements, held := make(map[int]int), 0
	for range 20 {
		next := process(t, pool)
		if statements[next]++; statements[next] == 2 {
			held++
		}
	}
	if held != 1 || statements[lost] > 0 {
		t.Errorf("after process %d was lost, the processes ran so many statements: %v, want one of them to run more than one", lost, statements)
	}
}
