package notifier

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// recentSQL finds from which transaction on the log's newest events fit the tail: at most $1 events
// and about $2 bytes. Transactions are taken whole.
const recentSQL = `
SELECT xid FROM (
       SELECT xid, sum(coalesce(octet_length(data), 0) + 256) OVER (ORDER BY xid DESC) AS bytes
         FROM (SELECT xid, data FROM rowcall.log ORDER BY xid DESC LIMIT $1) AS newest) AS sized
 WHERE bytes <= $2
 ORDER BY xid
 LIMIT 1`

// seedSQL reads what the node's first snapshot sees of them.
const seedSQL = `
SELECT 2, id, xid, at, topic, type, role, data
  FROM rowcall.log
 WHERE xid >= $1 AND pg_visible_in_snapshot(xid, $2::text::pg_snapshot) AND type <> 'rowcall.access'
 ORDER BY id`

// seed fills the tail of a node that has just started with the log's newest events, so that clients
// who come back after a restart do not each read the log. The floor is read last: what
// retention has dropped, the tail does not claim to hold.
func (w *watch) seed(ctx context.Context, seen snapshot) error {
	return timed(ctx, func(ctx context.Context) error {
		o := &w.feed.options
		var from uint64
		err := w.conn.QueryRow(ctx, recentSQL, o.TailEvents/2, o.TailBytes/2).Scan(&from)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("seeding the tail: %w", err)
		}
		rows, err := w.conn.Query(ctx, seedSQL, from, seen.String())
		if err != nil {
			return fmt.Errorf("seeding the tail: %w", err)
		}
		var part int
		events, err := pgx.CollectRows(rows, func(pgx.CollectableRow) (*Event, error) {
			r, err := scanRow(rows, &part)
			return r.event(), err
		})
		if err != nil {
			return fmt.Errorf("seeding the tail: %w", err)
		}
		f, err := readFloor(ctx, w.conn)
		if err != nil {
			return err
		}
		w.plant(max(from, f.xid+1), seen, events)
		return nil
	})
}

// plant puts the events of transactions from one on into the tail, as one batch.
func (w *watch) plant(from uint64, seen snapshot, events []*Event) {
	b := &batch{prev: seen.before(from), seen: seen}
	kept := tailBatch{seen: seen}
	for _, e := range events {
		if e.xid >= from {
			kept.events = append(kept.events, e)
			kept.bytes += e.size()
		}
	}
	handing{feed: w.feed, epoch: w.epoch}.mark(b, kept.events, true)
	w.feed.hub.plant(b.prev, kept)
}
