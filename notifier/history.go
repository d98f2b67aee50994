package notifier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// The log keeps its history as long as nothing in it is undone. The boot row names the history. A
// crash, a promotion and the restore of a dump end the history, and each of them makes the boot row
// invalid. One kind of restore keeps the boot row valid: the files of a server that was shut down are
// put back. Only a node that was running in between can notice that. The node compares three things
// that it remembers with the database: the run of the server in which it read last, the newest event
// that it handed on, and its last snapshot. If one of them is missing, the node begins a new epoch.

// errWentBack says that the database was put back to an earlier state.
var errWentBack = errors.New("the database was put back to an earlier state")

// ErrForeignLog says that the log has events of another history. They came in with a dump.
var ErrForeignLog = errors.New("the log has events of another history, and somebody holds a lock on it: look for a long transaction or a dump")

// bootSQL names the history by the boot row's id, and the run of the server by the time of its
// start. It finds nothing if there is no boot row, or if a restore has brought in the boot row: then
// the row is not where it was written.
const bootSQL = `SELECT id || ' ' || extract(epoch FROM pg_postmaster_start_time())
   FROM rowcall.boot WHERE table_oid = tableoid AND made = xmin`

// history is what the database says of the log's history.
type history struct {
	epoch string
	boot  string    // as bootSQL names it
	run   time.Time // when the server was started
}

// queryHistory asks for the history. If there is none, one begins. Another node may begin a history
// between the two questions about the epoch: then the boot row in between may be of either, and all
// are asked again.
func queryHistory(ctx context.Context, conn *pgx.Conn) (history, error) {
	for {
		h, err := readEpoch(ctx, conn)
		if err != nil {
			return h, err
		}
		if err := conn.QueryRow(ctx, bootSQL).Scan(&h.boot); err != nil {
			return h, fmt.Errorf("reading the boot row: %w", err)
		}
		again, err := readEpoch(ctx, conn)
		if err != nil || again.epoch == h.epoch {
			return h, err
		}
	}
}

// readEpoch returns a history without its boot row.
func readEpoch(ctx context.Context, conn *pgx.Conn) (history, error) {
	var h history
	var epoch *string
	if err := conn.QueryRow(ctx, `SELECT rowcall.epoch(), pg_postmaster_start_time()`).Scan(&epoch, &h.run); err != nil {
		return h, fmt.Errorf("asking for the epoch: %w", err)
	}
	if epoch == nil {
		return h, ErrForeignLog
	}
	h.epoch = *epoch
	return h, nil
}

// noteRun notes that the node reads in this run of the server. It must be called before the node
// reads anything: then all that it knows of the run is undone only together with the note.
func noteRun(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, `SELECT rowcall.note_run()`); err != nil {
		return fmt.Errorf("noting the server's run: %w", err)
	}
	return nil
}

// isRunUndone reports whether the database no longer knows the run of the server that began then, in
// which the node has read.
func isRunUndone(ctx context.Context, conn *pgx.Conn, run time.Time) (bool, error) {
	const sql = `SELECT NOT EXISTS (SELECT FROM rowcall.server_run WHERE started = $1)`
	var undone bool
	if err := conn.QueryRow(ctx, sql, run).Scan(&undone); err != nil {
		return false, fmt.Errorf("looking for the server's last run: %w", err)
	}
	return undone, nil
}

// endEpoch ends a history of which something was undone. If another node was faster, it does
// nothing.
func endEpoch(ctx context.Context, conn *pgx.Conn, epoch string) error {
	if _, err := conn.Exec(ctx, `SELECT rowcall.leave_epoch($1)`, epoch); err != nil {
		return fmt.Errorf("beginning a new epoch: %w", err)
	}
	return nil
}

// newestEvent is an event of the newest transaction whose events a node has handed on. The zero value
// stands for no event.
type newestEvent struct {
	id  int64
	xid uint64
	at  time.Time
}

// note remembers an event that was handed on. Of a transaction's events it keeps the first that it
// is told of, which the server finds sooner than others.
func (e *newestEvent) note(handedOn *Event) {
	if handedOn.xid != e.xid {
		*e = newestEvent{id: handedOn.ID, xid: handedOn.xid, at: handedOn.Time}
	}
}

// isLost reports whether the log neither has the event nor dropped it in retention. The floor is
// read in a statement of its own, after the log: retention may empty the slot in between.
func (e newestEvent) isLost(ctx context.Context, conn *pgx.Conn) (bool, error) {
	if e.id == 0 {
		return false, nil
	}
	var found bool
	const sql = `SELECT EXISTS (SELECT FROM rowcall.log WHERE xid = $1 AND id = $2 AND at = $3)`
	if err := conn.QueryRow(ctx, sql, e.xid, e.id, e.at).Scan(&found); err != nil {
		return false, fmt.Errorf("looking for the last event: %w", err)
	}
	if found {
		return false, nil
	}
	f, err := readFloor(ctx, conn)
	return err == nil && f.xid < e.xid, err
}
