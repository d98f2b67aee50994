package notifier

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"rowcall/notifier/topic"
)

// scanTail is tail.after as a look at every event.
func scanTail(t *tail, p position, topics []topic.Topic) ([]*Event, bool) {
	if !p.prev.covers(t.start) {
		return nil, false
	}
	var following []*Event
	for _, part := range t.polls {
		for _, e := range part.events {
			if !isForAny(topics, e) {
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

// randomLog is a log that several transactions write at a time. Two nodes poll it at moments of
// their own; the first keeps a tail.
type randomLog struct {
	*rand.Rand
	running []uint64 // xids of open transactions, ascending
	nextXID uint64
	events  []*Event // of all transactions
	nodes   [2]snapshot
	places  []position // where readers of the two nodes may stand
	tail    tail
	limit   sizeLimit
}

func newRandomLog(seed uint64, limit sizeLimit) *randomLog {
	l := &randomLog{Rand: rand.New(rand.NewPCG(seed, 6)), nextXID: 10, limit: limit}
	l.nodes = [2]snapshot{l.snapshot(), l.snapshot()}
	l.tail.restartAt(l.nodes[0])
	return l
}

func (l *randomLog) snapshot() snapshot {
	s := snapshot{xmin: l.nextXID, xmax: l.nextXID, xip: slices.Clone(l.running)}
	if len(s.xip) > 0 {
		s.xmin = s.xip[0]
	}
	return s
}

func (l *randomLog) step() {
	switch n := len(l.running); {
	case n < 2 || n < 8 && l.IntN(4) == 0:
		l.running = append(l.running, l.nextXID)
		l.nextXID++
	case l.IntN(6) == 0:
		i := l.IntN(n)
		l.running = slices.Delete(l.running, i, i+1)
	case l.IntN(6) == 0:
		l.poll(l.IntN(2))
	default:
		l.events = append(l.events, anyEvent(l.Rand, int64(len(l.events)+1), l.running[l.IntN(n)]))
	}
}

func (l *randomLog) poll(node int) {
	found := logInterval{prev: l.nodes[node], seen: l.snapshot()}
	l.nodes[node] = found.seen
	part := newTailPoll(found)
	for _, e := range l.events {
		if found.seen.sees(e.xid) && !found.prev.sees(e.xid) {
			part.add([]*Event{e})
			l.places = append(l.places, found.at(e.ID))
		}
	}
	l.places = append(l.places, positionAfter(found.seen))
	if node == 0 {
		l.tail.push(part, l.limit)
	}
}

// TestTheTailFindsWhatAScanFinds asks the tail for what follows places of its own node and of
// another one, on random topics, and compares the answer with a look at every event.
func TestTheTailFindsWhatAScanFinds(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		l := newRandomLog(seed, sizeLimit{events: 40 + int(seed)*5, bytes: 1 << 20})
		for range 1500 {
			l.step()
		}
		for _, p := range l.places {
			topics := []topic.Topic{anyTopic(l.Rand), anyTopic(l.Rand), anyTopic(l.Rand)}[:1+l.IntN(3)]
			most := 1 + l.IntN(20)
			want, wantOK := scanTail(&l.tail, p, topics)
			got, n, ok := l.tail.after(p, topics, sizeLimit{events: most, bytes: 1 << 20})
			first := want[:min(most, len(want))]
			if ok != wantOK || ok && (n != len(want) || !slices.Equal(got, first)) {
				t.Fatalf("seed %d, after %v on %v: %d events of %d, %v, want %d of %d, %v", seed, p, topics, len(got), n, ok, len(first), len(want), wantOK)
			}
		}
		for len(l.tail.polls) > 0 {
			l.tail.forgetOldest()
		}
		if len(l.tail.topics)+len(l.tail.resets) > 0 || l.tail.events != 0 || l.tail.bytes != 0 {
			t.Fatalf("seed %d: an empty tail has %d topics, %d events, %d bytes", seed, len(l.tail.topics), l.tail.events, l.tail.bytes)
		}
	}
}

// TestTheTailCountsCursorsAndSnapshots hands on polls of one event each while many transactions are
// open, so that a cursor is far longer than an event. What the tail holds stays within its bound.
func TestTheTailCountsCursorsAndSnapshots(t *testing.T) {
	t.Parallel()
	const bound, polls = 1 << 20, 2000
	f := newFeed(nil, Options{TailBytes: bound}, 20)
	at := snapshot{xmin: 10, xmax: 10 + 600}
	for x := at.xmin; x < at.xmax; x++ {
		at.xip = append(at.xip, x)
	}
	f.hub.beginRestart(anEpoch, at)
	f.hub.endRestart()
	to := deliverer{hub: f.hub, reask: f.reask, load: f.load, tally: new(pollTally), epoch: anEpoch, newest: new(newestEvent)}
	for range polls {
		next := snapshot{xmin: at.xmin, xmax: at.xmax + 1, xip: slices.Clone(at.xip)}
		p := &poll{logInterval: logInterval{prev: at, seen: next}}
		f.hub.openPoll(p)
		if err := to.deliverChunk(p, []*Event{{ID: int64(at.xmax), Topic: "room", xid: at.xmax}}, true); err != nil {
			t.Fatal(err)
		}
		f.hub.closePoll(p)
		at = next
	}
	held := 0
	for _, part := range f.hub.tail.polls {
		held += 8 * len(part.seen.xip)
		for _, e := range part.events {
			held += len(e.cursor) + len(e.exact)
		}
	}
	if n := len(f.hub.tail.polls); n == 0 || n == polls || held > bound {
		t.Errorf("the tail holds %d of %d polls, with %d bytes of cursors and snapshots, want at most %d bytes", n, polls, held, bound)
	}
}

// TestAPollThatExceedsTheTailLeavesNoGap hands on a poll whose snapshots alone exceed the tail. A
// reader that has not passed its event must not be told that nothing follows.
func TestAPollThatExceedsTheTailLeavesNoGap(t *testing.T) {
	t.Parallel()
	f := newFeed(nil, Options{TailBytes: 1024}, 20)
	at := snapshot{xmin: 10, xmax: 110}
	for x := at.xmin; x < at.xmax; x++ {
		at.xip = append(at.xip, x)
	}
	f.hub.beginRestart(anEpoch, at)
	f.hub.endRestart()
	to := deliverer{hub: f.hub, reask: f.reask, load: f.load, tally: new(pollTally), epoch: anEpoch, newest: new(newestEvent)}
	p := &poll{logInterval: logInterval{prev: at, seen: snapshot{xmin: at.xmin, xmax: at.xmax + 1, xip: at.xip}}}
	f.hub.openPoll(p)
	if err := to.deliverChunk(p, []*Event{{ID: 1, Topic: "room", xid: at.xmax}}, true); err != nil {
		t.Fatal(err)
	}
	f.hub.closePoll(p)
	if n, ok := f.hub.countInTail(positionAfter(at), []topic.Topic{"room"}); ok {
		t.Errorf("the tail says that %d events follow the place before the poll, want that it does not know", n)
	}
	if n, ok := f.hub.countInTail(positionAfter(p.seen), []topic.Topic{"room"}); !ok || n != 0 {
		t.Errorf("behind the poll follow %d events, known: %v, want 0, true", n, ok)
	}
}

// fullTail is a tail of polls with so many events each, of one transaction, spread over topics.
func fullTail(polls, events, topics int) *tail {
	t := new(tail)
	at := snapshot{xmin: 10, xmax: 10}
	t.restartAt(at)
	id := int64(0)
	for range polls {
		next := snapshot{xmin: at.xmax + 1, xmax: at.xmax + 1}
		part := newTailPoll(logInterval{prev: at, seen: next})
		for range events {
			id++
			part.add([]*Event{{ID: id, Topic: topic.Topic(fmt.Sprint("rooms/", id%int64(topics))), xid: at.xmax}})
		}
		t.push(part, sizeLimit{events: 1 << 20, bytes: 1 << 30})
		at = next
	}
	return t
}

// TestAResumeLooksAtNoOtherEvents counts the events that are looked at one by one to find what
// follows a place in a tail of 2,000 events.
func TestAResumeLooksAtNoOtherEvents(t *testing.T) {
	t.Parallel()
	many, one := fullTail(200, 10, 50), fullTail(1, 2000, 1)
	poll := many.polls[100]
	for name, c := range map[string]struct {
		tail     *tail
		p        position
		topic    topic.Topic
		doubtful int // events looked at, at most
		follow   int
	}{
		"from the beginning":       {many, positionAfter(many.start), "rooms/1", 0, 40},
		"from between two polls":   {many, positionAfter(poll.prev), "rooms/1", 0, 20},
		"from inside a poll":       {many, poll.at(1005), "rooms", 0, 995},
		"as another node may":      {many, logInterval{prev: poll.prev, seen: many.polls[101].seen}.at(1005), "rooms", 20, 995},
		"from inside a large poll": {one, one.polls[0].at(700), "rooms", 0, 1300},
		"from the end":             {many, positionAfter(many.polls[199].seen), "rooms", 0, 0},
		"on a topic without any":   {many, positionAfter(many.start), "halls", 0, 0},
	} {
		doubtful, _ := c.tail.search(c.p, []topic.Topic{c.topic})
		_, n, ok := c.tail.after(c.p, []topic.Topic{c.topic}, sizeLimit{events: 10, bytes: 1 << 20})
		if len(doubtful) > c.doubtful || n != c.follow || !ok {
			t.Errorf("%s: %d are looked at, %d follow, %v, want at most %d and %d", name, len(doubtful), n, ok, c.doubtful, c.follow)
		}
	}
}

// BenchmarkResumeFromTheTail is the work of one resume from the middle of a tail of 20,000 events.
func BenchmarkResumeFromTheTail(b *testing.B) {
	for _, c := range []struct{ polls, events, topics int }{{2000, 10, 1000}, {2000, 10, 1}, {1, 20_000, 1}} {
		b.Run(fmt.Sprintf("%dx%d on %d topics", c.polls, c.events, c.topics), func(b *testing.B) {
			tail := fullTail(c.polls, c.events, c.topics)
			poll := tail.polls[c.polls/2]
			p := poll.at(poll.events[len(poll.events)/2].ID)
			for b.Loop() {
				benchmarkedResume(tail, p, []topic.Topic{"rooms/0"})
			}
		})
	}
}

// benchmarkedResume counts what follows, and takes the first part of it.
func benchmarkedResume(t *tail, p position, topics []topic.Topic) {
	t.after(p, topics, sizeLimit{})
	t.after(p, topics, sizeLimit{events: 500, bytes: 512 << 10})
}
