package notifier

import (
	"slices"
	"sort"

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
