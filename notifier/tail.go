package notifier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/topic"
)

// tail is the recent part of the log in memory: whole batches, bounded by events and bytes. A reader
// whose place lies in it goes live without reading the log, so that five thousand sockets that
// come back after a restart cost a few reads and not five thousand.
type tail struct {
	start   snapshot // everything that is not in the tail and has been handed on, start sees
	batches []tailBatch
	events  int
	bytes   int
}

type tailBatch struct {
	seen   snapshot
	events []*Event
	bytes  int
}

// reset empties the tail: from now on it holds what comes after start.
func (t *tail) reset(start snapshot) { *t = tail{start: start} }

// add keeps a batch and forgets the oldest ones past the bounds. A batch that is too large for
// the tail as a whole empties it.
func (t *tail) add(b tailBatch, maxEvents, maxBytes int) {
	if len(b.events) == 0 {
		return
	}
	t.batches = append(t.batches, b)
	t.events += len(b.events)
	t.bytes += b.bytes
	for t.events > maxEvents || t.bytes > maxBytes {
		oldest := t.batches[0]
		t.batches[0] = tailBatch{}
		t.batches = t.batches[1:]
		t.events -= len(oldest.events)
		t.bytes -= oldest.bytes
		t.start = oldest.seen
	}
}

// after returns what follows p on the topics, in order and shared with everybody, or false where
// the tail cannot say: it begins later, or p has passed events that the tail has after some
// it has not passed, as a cursor of another node may. Such a reader pulls.
func (t *tail) after(p position, topics []topic.Topic) ([]*Event, bool) {
	if !p.prev.covers(t.start) {
		return nil, false
	}
	first := sort.Search(len(t.batches), func(i int) bool { return !p.prev.covers(t.batches[i].seen) })
	var following []*Event
	for _, b := range t.batches[first:] {
		for _, e := range b.events {
			if !covered(topics, e.Topic) {
				continue
			}
			if !p.passed(e) {
				following = append(following, e)
			} else if len(following) > 0 {
				return nil, false
			}
		}
	}
	return following, true
}

// covered reports whether a follower of the topics receives what is filed under t.
func covered(topics []topic.Topic, t topic.Topic) bool {
	return slices.ContainsFunc(topics, func(followed topic.Topic) bool { return followed.Covers(t) })
}

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
