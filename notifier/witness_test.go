package notifier_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"time"

	"rowcall/notifier"
)

// version is one change of one row of the oracle's table.
type version struct{ ID, Version int }

// witness follows all rows of an oracle, now on this node and now on that, and checks each row's versions.
type witness struct {
	*oracle
	random *rand.Rand
	nodes  func() []*node // those to choose from
	seen   map[int]int
	since  string // empty: it must start anew from a snapshot
}

// witness starts one at a cursor.
func (o *oracle) witness(stream int, since string, nodes func() []*node) *witness {
	return &witness{oracle: o, random: random(stream), nodes: nodes, seen: make(map[int]int), since: since}
}

// followAll moves between the nodes until the writers have stopped and it has seen the last version of every row,
// and reports whether it got there.
func (w *witness) followAll() bool {
	for finishing := false; ; {
		select {
		case <-w.done:
			finishing = true
		default:
		}
		if complete, ok := w.visit(finishing); complete || !ok {
			return complete && ok
		}
	}
}

// visit follows the rows on one node for a while, or, finishing, until it has seen everything.
func (w *witness) visit(finishing bool) (complete, ok bool) {
	nodes := w.nodes()
	r, ok := w.follow(nodes[w.random.IntN(len(nodes))])
	if r == nil {
		return false, ok
	}
	defer r.sub.Close()
	w.moves.Add(1)
	if finishing {
		return w.finish(r)
	}
	return false, w.read(r, w.random.IntN(400), time.After(time.Duration(1+w.random.IntN(300))*time.Millisecond))
}

// follow subscribes from where it is, or from a snapshot where it is nowhere. It returns nil where it has to
// come again.
func (w *witness) follow(n *node) (*reader, bool) {
	r, err := tryFollow(w.t, n, notifier.Request{Since: w.since, Snapshot: w.since == ""}, "rows")
	switch {
	case w.away && errors.Is(err, notifier.ErrUnavailable):
		return nil, true
	case err != nil:
		w.t.Errorf("following: %v", err)
		return nil, false
	case w.since == "":
		return r, w.begin(r)
	case r.start.Recovered:
		return r, true
	}
	r.sub.Close()
	return nil, w.forget(r.start.Reason)
}

// begin takes the state that a snapshot brought.
func (w *witness) begin(r *reader) bool {
	var state []version
	if err := json.Unmarshal(r.start.State, &state); err != nil {
		w.t.Errorf("reading a snapshot: %v", err)
		return false
	}
	for _, v := range state {
		w.seen[v.ID] = v.Version
	}
	w.since = r.start.Cursor
	return true
}

// forget drops all it knows, as a reset says.
func (w *witness) forget(reason notifier.ResetReason) bool {
	if !w.forgot {
		w.t.Errorf("a cursor was of no use: %s", reason)
		return false
	}
	w.resets.Add(1)
	w.since = ""
	clear(w.seen)
	return true
}

// read takes events until it has had enough, or may not stay longer.
func (w *witness) read(r *reader, enough int, stay <-chan time.Time) (ok bool) {
	for range enough {
		e, reset, err := r.take(stay)
		switch {
		case reset != nil:
			return w.forget(reset.Reason)
		case errors.Is(err, context.DeadlineExceeded):
			return true
		case err != nil:
			w.t.Errorf("it ended: %v", err)
			return false
		case !w.take(e):
			return false
		}
	}
	return true
}

// finish takes events until it has seen the last version of every row.
func (w *witness) finish(r *reader) (complete, ok bool) {
	for !w.reached() {
		e, reset, err := r.take(time.After(patience))
		switch {
		case reset != nil:
			return false, w.forget(reset.Reason)
		case err != nil:
			w.t.Errorf("it ended: %v; %d of %d seen, from %s", err, w.sum(), w.total(), w.since)
			return false, false
		case !w.take(e):
			return false, false
		}
	}
	return true, true
}

// take checks an event against what it has seen of the row.
func (w *witness) take(e *notifier.Event) bool {
	var v version
	if err := json.Unmarshal(e.Data, &v); err != nil || v.Version != w.seen[v.ID]+1 {
		w.t.Errorf("row %d: version %d (event %d) after %d, %v", v.ID, v.Version, e.ID, w.seen[v.ID], err)
		return false
	}
	w.seen[v.ID] = v.Version
	w.events.Add(1)
	if e.Cursor() != "" {
		w.since = e.Cursor()
	}
	return true
}

func (w *witness) sum() int {
	sum := 0
	for _, v := range w.seen {
		sum += v
	}
	return sum
}

// reached reports whether it has seen the last version of every row.
func (w *witness) reached() bool { return w.sum() >= w.total() }
