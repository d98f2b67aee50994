package notifier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/topic"
)

// tail is the recent part of the log in memory: whole polls, bounded by events and bytes. A reader
// whose position lies in it goes live without reading the log, so that five thousand sockets that
// come back after a restart cost a few reads and not five thousand.
type tail struct {
	start  snapshot // sees every event that was handed on and is not in the tail
	polls  []tailPoll
	events int
	bytes  int
}

// tailPoll is the part of the tail that one poll has brought.
type tailPoll struct {
	seen   snapshot
	events []*Event
	bytes  int
}

// add appends events to the part.
func (p *tailPoll) add(events []*Event) {
	p.events = append(p.events, events...)
	p.bytes += totalSize(events)
}

// restartAt empties the tail. From now on it holds what comes after start.
func (t *tail) restartAt(start snapshot) { *t = tail{start: start} }

// push keeps a poll and forgets the oldest polls past the limit. A poll that exceeds the limit by
// itself empties the tail.
func (t *tail) push(p tailPoll, limit sizeLimit) {
	if len(p.events) == 0 {
		return
	}
	t.polls = append(t.polls, p)
	t.events += len(p.events)
	t.bytes += p.bytes
	for !limit.allows(t.events, t.bytes) {
		oldest := t.polls[0]
		t.polls[0] = tailPoll{}
		t.polls = t.polls[1:]
		t.events -= len(oldest.events)
		t.bytes -= oldest.bytes
		t.start = oldest.seen
	}
}

// after returns what follows p on the topics, in order and shared with all other readers. It
// returns false if the tail cannot say: it begins later than p, or p has passed an event that comes
// in the tail behind one that p has not passed, as a cursor made by another node may. Such a reader
// pulls.
func (t *tail) after(p position, topics []topic.Topic) ([]*Event, bool) {
	if !p.prev.covers(t.start) {
		return nil, false
	}
	first := sort.Search(len(t.polls), func(i int) bool { return !p.prev.covers(t.polls[i].seen) })
	var following []*Event
	for _, part := range t.polls[first:] {
		for _, e := range part.events {
			if !coveredByAny(topics, e.Topic) {
				continue
			}
			if !p.hasPassed(e.xid, e.ID) {
				following = append(following, e)
			} else if len(following) > 0 {
				return nil, false
			}
		}
	}
	return following, true
}

// coveredByAny reports whether a follower of the topics receives what is filed under t.
func coveredByAny(topics []topic.Topic, t topic.Topic) bool {
	return slices.ContainsFunc(topics, func(followed topic.Topic) bool { return followed.Covers(t) })
}

// recentSQL finds the oldest transaction from which on the log's newest events fit the tail: at
// most $1 events, and about $2 bytes. Transactions are taken whole: the oldest of those that are
// looked at may be cut, and then its events are too many.
const recentSQL = `
SELECT xid FROM (
       SELECT xid, count(*) OVER newer AS events, sum(coalesce(octet_length(data), 0) + 256) OVER newer AS bytes
         FROM (SELECT xid, data FROM rowcall.log ORDER BY xid DESC LIMIT $1::bigint + 1) AS newest
       WINDOW newer AS (ORDER BY xid DESC)) AS sized
 WHERE events <= $1 AND bytes <= $2
 ORDER BY xid
 LIMIT 1`

// recentEventsSQL reads the events of transactions from $1 on, as far as the snapshot $2 sees them.
const recentEventsSQL = `
SELECT 2, id, xid, at, ` + exactText + `
  FROM rowcall.log
 WHERE xid >= $1 AND pg_visible_in_snapshot(xid, $2::text::pg_snapshot) AND type <> 'rowcall.access'`

// recentLog is the newest part of the log: all events of its interval.
type recentLog struct {
	within *logInterval // of its own, so that an event does not keep the others in memory
	events []*Event
}

// readRecent reads the newest events that seen sees, about half as many as the tail may hold. It
// returns false if the log is empty. The floor is read last, and transactions that retention may
// have touched are left out, so that the tail never claims to hold what was dropped.
func readRecent(ctx context.Context, q querier, seen snapshot, limit sizeLimit) (recentLog, bool, error) {
	var from uint64
	err := q.QueryRow(ctx, recentSQL, limit.events/2, limit.bytes/2).Scan(&from)
	if errors.Is(err, pgx.ErrNoRows) {
		return recentLog{}, false, nil
	}
	if err != nil {
		return recentLog{}, false, fmt.Errorf("reading recent events: %w", err)
	}
	events, err := readEventsFrom(ctx, q, from, seen)
	if err != nil {
		return recentLog{}, false, fmt.Errorf("reading recent events: %w", err)
	}
	f, err := readFloor(ctx, q)
	if err != nil {
		return recentLog{}, false, err
	}
	from = max(from, f.xid+1)
	events = slices.DeleteFunc(events, func(e *Event) bool { return e.xid < from })
	return recentLog{&logInterval{prev: seen.before(from), seen: seen}, events}, true, nil
}

// readEventsFrom reads the events of transactions from one on, in the order of their ids. They are
// sorted here, so that the server need not keep them all.
func readEventsFrom(ctx context.Context, q querier, from uint64, seen snapshot) ([]*Event, error) {
	var part int
	events, err := queryEvents(ctx, q, recentEventsSQL, &part, from, seen.String())
	slices.SortFunc(events, func(a, b *Event) int { return cmp.Compare(a.ID, b.ID) })
	return events, err
}
