package notifier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/notifier/topic"
)

// tail is the recent part of the log in memory: whole polls, bounded by events and bytes. A reader
// whose position lies in it goes live without reading the log, so that five thousand sockets that
// come back after a restart cost a few reads and not five thousand.
//
// The tail is read under the hub's lock. An index by topic keeps that short: a reader looks at what
// it is owed, and not at the events of other topics.
type tail struct {
	start  snapshot // sees every event that was handed on and is not in the tail
	polls  []tailPoll
	gone   int                         // how many polls were forgotten; polls[i] has the number gone+i
	topics map[topic.Topic][]tailEvent // what is filed under a topic or below it, in order
	resets []tailEvent                 // the reset events, in order; they are not in topics
	events int
	bytes  int
}

// tailPoll is the part of the tail that one poll has brought.
type tailPoll struct {
	logInterval
	events []*Event
	bytes  int
}

// tailEvent is an event of the tail, and the number of the poll that has brought it.
type tailEvent struct {
	event *Event
	poll  int
}

// indexCost is about how many bytes the tail takes for an event besides the event's own.
const indexCost = 128

// newTailPoll begins the part of a poll. Its two snapshots count: a poll of one event may have found
// thousands of transactions open.
func newTailPoll(found logInterval) tailPoll {
	const constant, xid = 256, 8
	return tailPoll{logInterval: found, bytes: constant + xid*(len(found.prev.xip)+len(found.seen.xip))}
}

// add appends events to the part. They have their cursors already.
func (p *tailPoll) add(events []*Event) {
	p.events = append(p.events, events...)
	p.bytes += totalCost(events) + indexCost*len(events)
}

// restartAt empties the tail. From now on it holds what comes after start.
func (t *tail) restartAt(start snapshot) {
	*t = tail{start: start, topics: make(map[topic.Topic][]tailEvent)}
}

// push keeps a poll and forgets the oldest polls past the limit. A poll that exceeds the limit by
// itself empties the tail.
func (t *tail) push(p tailPoll, limit sizeLimit) {
	if len(p.events) == 0 {
		return
	}
	if !limit.allows(len(p.events), p.bytes) {
		t.restartAt(p.seen)
		return
	}
	for _, e := range p.events {
		t.index(tailEvent{e, t.gone + len(t.polls)})
	}
	t.polls = append(t.polls, p)
	t.events += len(p.events)
	t.bytes += p.bytes
	for !limit.allows(t.events, t.bytes) {
		t.forgetOldest()
	}
}

func (t *tail) index(e tailEvent) {
	if e.event.reset != nil {
		t.resets = append(t.resets, e)
		return
	}
	for above := range e.event.Topic.Lineage {
		t.topics[above] = append(t.topics[above], e)
	}
}

func (t *tail) forgetOldest() {
	oldest := t.polls[0]
	t.polls[0] = tailPoll{}
	t.polls = t.polls[1:]
	t.gone++
	t.events -= len(oldest.events)
	t.bytes -= oldest.bytes
	t.start = oldest.seen
	for _, e := range oldest.events {
		if e.reset != nil {
			t.resets[0] = tailEvent{}
			t.resets = t.resets[1:]
			continue
		}
		for above := range e.Topic.Lineage {
			t.forgetFirst(above)
		}
	}
}

// forgetFirst takes the oldest event of a topic out of the index.
func (t *tail) forgetFirst(filed topic.Topic) {
	list := t.topics[filed]
	if len(list) == 1 {
		delete(t.topics, filed)
		return
	}
	list[0] = tailEvent{}
	t.topics[filed] = list[1:]
}

// after returns what follows p on the topics, in order: how many events that are, and the first of
// them, as many as fit the limit. It returns false if the tail cannot say: it begins later than p,
// or p has passed an event that comes in the tail behind one that p has not passed, as a cursor made
// by another node may. Such a reader pulls.
func (t *tail) after(p position, topics []topic.Topic, limit sizeLimit) (first []*Event, n int, ok bool) {
	if !p.prev.covers(t.start) {
		return nil, 0, false
	}
	doubtful, certain := t.search(p, topics)
	following, ok := notPassed(p, doubtful)
	n = len(following)
	for _, list := range certain {
		n += len(list)
	}
	first = firstFitting(limit, following, certain)
	return first, n, ok
}

// search finds what p may not have passed on the topics. The events of doubtful are those of the
// polls whose end p may have passed in part, in order; each of them must be looked at. All events of
// the lists in certain follow p, and come after those of doubtful.
func (t *tail) search(p position, topics []topic.Topic) (doubtful []tailEvent, certain [][]tailEvent) {
	begin := sort.Search(len(t.polls), func(i int) bool { return !p.prev.covers(t.polls[i].seen) })
	end := begin + sort.Search(len(t.polls)-begin, func(i int) bool { return t.polls[begin+i].prev.covers(p.upperBound()) })
	var passed int64 // the last id that p has passed in the poll at begin, if p was made there
	if begin < end && p.isWithin(t.polls[begin].logInterval) {
		passed, end = p.id, begin
	}
	lists := 0
	for _, list := range t.listsOf(topics) {
		list = list[indexOf(list, t.gone+begin, passed):]
		if from := indexOf(list, t.gone+end, passed); from > 0 {
			doubtful = append(doubtful, list[:from]...)
			list = list[from:]
			lists++
		}
		if len(list) > 0 {
			certain = append(certain, list)
		}
	}
	if lists > 1 {
		slices.SortFunc(doubtful, compareTailEvents)
	}
	return doubtful, certain
}

// listsOf returns the lists of events on the topics. No event is in two of them.
func (t *tail) listsOf(topics []topic.Topic) [][]tailEvent {
	var lists [][]tailEvent
	for _, followed := range withoutCovered(topics) {
		lists = append(lists, t.topics[followed])
	}
	var resets []tailEvent
	for _, e := range t.resets {
		if e.event.reaches(topics) {
			resets = append(resets, e)
		}
	}
	return append(lists, resets)
}

// isWithin reports whether p lies in this interval, and not merely in a similar one: it has passed
// the interval's events up to its id, and no other.
func (p position) isWithin(i logInterval) bool {
	return p.inside && p.prev.equal(i.prev) && p.cur.equal(i.seen)
}

// indexOf returns the index of the first event that comes behind the given id of the given poll.
func indexOf(list []tailEvent, poll int, passed int64) int {
	return sort.Search(len(list), func(i int) bool {
		return list[i].poll > poll || list[i].poll == poll && list[i].event.ID > passed
	})
}

// compareTailEvents orders events as the tail has them: by polls, and in a poll by ids.
func compareTailEvents(a, b tailEvent) int {
	return cmp.Or(cmp.Compare(a.poll, b.poll), cmp.Compare(a.event.ID, b.event.ID))
}

// notPassed returns the events that p has not passed. It returns false if p has passed an event
// behind one that it has not passed.
func notPassed(p position, events []tailEvent) (following []*Event, ok bool) {
	for _, e := range events {
		if !p.hasPassed(e.event.xid, e.event.ID) {
			following = append(following, e.event)
		} else if len(following) > 0 {
			return nil, false
		}
	}
	return following, true
}

// firstFitting returns the first events of those given, then of the lists together, as many as fit
// the limit.
func firstFitting(limit sizeLimit, events []*Event, lists [][]tailEvent) []*Event {
	fit := limit.countFitting(0, 0, events)
	first := events[:fit:fit]
	if fit < len(events) {
		return first
	}
	bytes := totalSize(first)
	for {
		next := popFirst(lists)
		if next == nil || limit.countFitting(len(first), bytes, []*Event{next}) == 0 {
			return first
		}
		first = append(first, next)
		bytes += next.size()
	}
}

// popFirst takes the event that comes first out of the lists. It returns nil if they are empty.
func popFirst(lists [][]tailEvent) *Event {
	oldest := -1
	for i, list := range lists {
		if len(list) > 0 && (oldest < 0 || compareTailEvents(list[0], lists[oldest][0]) < 0) {
			oldest = i
		}
	}
	if oldest < 0 {
		return nil
	}
	next := lists[oldest][0].event
	lists[oldest] = lists[oldest][1:]
	return next
}

// withoutCovered returns the topics without those that another one covers, each once: no event is
// filed under or below two of them.
func withoutCovered(topics []topic.Topic) []topic.Topic {
	if len(topics) == 1 {
		return topics
	}
	followed := make(map[topic.Topic]bool, len(topics))
	for _, t := range topics {
		followed[t] = true
	}
	var kept []topic.Topic
	for t := range followed {
		covered := false
		for above := range t.Lineage {
			covered = covered || above != t && followed[above]
		}
		if !covered {
			kept = append(kept, t)
		}
	}
	return kept
}

// limitRecent bounds how long the server works on each of the statements that read the newest
// events. They are a help that a node can do without, and the server may take long to find them: it
// passes over every row of a large transaction that is open, or was rolled back.
const limitRecent = `SELECT set_config('statement_timeout', '2s', true)`

// isCanceled reports whether the server has given a statement up.
func isCanceled(err error) bool {
	const queryCanceled = "57014"
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == queryCanceled
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
