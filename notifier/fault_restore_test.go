package notifier_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// filesOf copies the files of a server that was shut down, or puts them back.
func filesOf(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatalf("copy %s: %v\n%s", from, err, out)
	}
}

// TestFilesPutBackBeginANewHistory puts back the files of a server that was shut down. The boot row is the same as
// before. The node, which was running meanwhile, must find out by what it knows. Each of the three things that it
// compares finds out alone: in the last two cases the run of the server is not undone, as where a virtual machine is
// set back together with the server that runs in it.
func TestFilesPutBackBeginANewHistory(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		undone, added int // events
		sameRun       bool
	}{
		"events undone, none added": {undone: 5},
		"events undone, and added":  {undone: 5, added: 60},
		"by the run":                {added: 60}, // events hide behind transactions that the node knows as ended
		"by the newest event":       {undone: 5, added: 60, sameRun: true},
		"by the snapshot":           {sameRun: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := schematest.Private(t, schematest.CoreOnly)
			n, r := nodeOfARole(t, db)
			count(t, db, "room/1", 1, 3)
			r.data(3)
			kept := filepath.Join(t.TempDir(), "kept")
			restart(t, db, db.Cluster.Data(), kept)
			letNodesIn(t, db)
			count(t, db, "room/1", 4, 3+c.undone)
			r.data(c.undone)
			for range 30 {
				db.Exec(t, `SELECT pg_current_xact_id()`)
			}
			cursor := follow(t, n, notifier.Request{}, "room").start.Cursor // the node has seen these transactions
			run := db.Psql(t, `SELECT pg_postmaster_start_time()`)

			restart(t, db, kept, db.Cluster.Data())
			count(t, db, "room/1", 104, 103+c.added)
			if c.sameRun {
				db.Exec(t, `INSERT INTO rowcall.server_run VALUES ($1::text::timestamptz)`, run)
			}
			letNodesIn(t, db)
			expectNewEpoch(t, r)
			late := follow(t, n, notifier.Request{Since: cursor}, "room")
			if late.start.Recovered || late.start.Reason != notifier.ResetEpoch {
				t.Errorf("a cursor of the undone future is answered %+v", late.start)
			}
			publish(t, db, "room/1", `"new"`)
			for _, reader := range []*reader{r, late} {
				if got := reader.data(1); got[0] != `"new"` {
					t.Errorf("after the reset came %v, want the new event", got)
				}
			}
		})
	}
}

// TestAnIntactHistoryGoesOn restarts the server in an orderly way, while other things happen: no
// subscriber gets a reset.
func TestAnIntactHistoryGoesOn(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.CoreOnly)
	n, r := nodeOfARole(t, db)
	other := follow(t, startNode(t, db.URL, openRules{}, notifier.Options{}), notifier.Request{}, "room")
	count(t, db, "room/1", 1, 3)
	for restarts := range 3 {
		r.data(3)
		other.data(3)
		cursor := n.Cursor()
		kept := filepath.Join(t.TempDir(), "kept")
		restart(t, db, db.Cluster.Data(), kept)
		count(t, db, "room/1", 4+3*restarts, 6+3*restarts) // before the node is there again
		letNodesIn(t, db)
		if late := follow(t, n, notifier.Request{Since: cursor}, "room"); !late.start.Recovered {
			t.Errorf("after restart %d a cursor is answered %+v", restarts, late.start)
		}
	}
	r.data(3)
	other.data(3)
	// Retention drops the newest event, and the server is restarted.
	writer := db.Conn(t)
	for range 4 {
		eventually(t, "no node reads the slot that is emptied", func() bool {
			_, err := writer.Exec(t.Context(), `SELECT rowcall.empty_next_slot()`)
			return err == nil
		})
		run(t, writer, `SELECT rowcall.advance_slot()`)
	}
	restart(t, db, db.Cluster.Data(), filepath.Join(t.TempDir(), "kept"))
	letNodesIn(t, db)
	count(t, db, "room/1", 13, 15)
	for _, reader := range []*reader{r, other} {
		if got := reader.data(3); got[0] != "13" {
			t.Errorf("after a restart came %v, want 13 first", got)
		}
	}
}

// nodeOfARole starts a node whose role can be kept out of the database, and a reader.
func nodeOfARole(t *testing.T, db *schematest.Database) (*node, *reader) {
	t.Helper()
	db.Exec(t, `CREATE ROLE node LOGIN PASSWORD 'node' IN ROLE rowcall_server`)
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("node", "node")
	n := startNode(t, u.String(), openRules{}, notifier.Options{})
	return n, follow(t, n, notifier.Request{}, "room")
}

// restart shuts the server down, copies its files or puts them back, and starts it. The node is kept out, so that it is
// not the first to come back.
func restart(t *testing.T, db *schematest.Database, from, to string) {
	t.Helper()
	db.Exec(t, `ALTER ROLE node CONNECTION LIMIT 0`)
	db.Stop(t)
	filesOf(t, from, to)
	db.Start(t)
}

func letNodesIn(t *testing.T, db *schematest.Database) {
	t.Helper()
	db.Exec(t, `ALTER ROLE node CONNECTION LIMIT -1`)
}

func expectNewEpoch(t *testing.T, r *reader) {
	t.Helper()
	_, reset, err := r.take(time.After(patience))
	if err != nil || reset == nil || reset.Reason != notifier.ResetEpoch {
		t.Fatalf("the open subscription hears %+v, %v; want a reset for another epoch", reset, err)
	}
}

// TestARestoreOverTheRunningDatabaseIsNoticed restores a dump while a node is running. The dump brings the boot row with
// it, in one transaction, so that the node need not lose its connection over it.
func TestARestoreOverTheRunningDatabaseIsNoticed(t *testing.T) {
	t.Parallel()
	for _, how := range [][]string{{"--clean", "--if-exists"}, {"--clean", "--if-exists", "--single-transaction"}} {
		db := schematest.New(t, schematest.CoreOnly)
		n := startNode(t, db.URL, openRules{}, notifier.Options{})
		r := follow(t, n, notifier.Request{}, "room")
		count(t, db, "room/1", 1, 3)
		r.data(3)
		dump := filepath.Join(t.TempDir(), "dump")
		db.Program(t, "pg_dump", "--format=custom", "--file="+dump)
		count(t, db, "room/1", 4, 8)
		r.data(5)
		var cursor string
		eventually(t, "the poll is handed on completely", func() bool { cursor = n.Cursor(); return cursor != "" })
		db.Program(t, "pg_restore", append(how, dump)...)
		expectNewEpoch(t, r)
		count(t, db, "room/1", 104, 110)
		if got := r.data(7); got[0] != "104" {
			t.Errorf("%v: after the restore came %v", how, got)
		}
		late := follow(t, n, notifier.Request{Since: cursor}, "room")
		if late.start.Recovered || late.start.Reason != notifier.ResetEpoch {
			t.Errorf("%v: a cursor of the undone future is answered %+v", how, late.start)
		}
	}
}
