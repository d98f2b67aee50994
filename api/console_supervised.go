package api

import (
	"sync"

	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// ConsoleTopic is followed on behalf of staff who look at the events of another user: the
// subscription ends when the reader is not logged in, or not staff, any more. It is a built-in topic
// of the rules. Its name does not follow the grammar of topics, so that no client can name it and no
// trigger can file an event there.
const ConsoleTopic topic.Topic = "(console)"

// supervised is a subscription to what one user may see, which another reads. Nothing is handed out of what
// was committed after the reader has lost the right to read it: a second subscription, the guard, is the
// reader's own, and is held and ended in the order of the log.
type supervised struct {
	subscription
	guard   subscription
	watched *watched // the user's
	woken   func()
	pending notifier.Taken // taken, and not handed out while the guard is being asked about

	mu  sync.Mutex // guards err
	err error      // why the user's identity is good no more
}

// Take looks at the guard after it has taken events: whatever holds or ends the guard was filed in the log
// before events that are taken later.
func (g *supervised) Take(max int) (notifier.Taken, error) {
	if idle(g.pending) {
		taken, err := g.subscription.Take(max)
		if err != nil {
			return taken, err
		}
		g.pending = taken
	}
	if err := g.over(); err != nil {
		return notifier.Taken{}, err
	}
	if !g.guard.CaughtUp() {
		return notifier.Taken{}, nil // the guard wakes the reader
	}
	taken := g.pending
	g.pending = notifier.Taken{}
	return taken, nil
}

func idle(t notifier.Taken) bool { return t.Reset == nil && len(t.Events) == 0 }

// over says why nothing more may be handed out. What the guard has to tell is of no interest otherwise.
func (g *supervised) over() error {
	for {
		taken, err := g.guard.Take(eventsPerTake)
		if err != nil {
			return err
		}
		if idle(taken) {
			break
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// end is called when the user's identity is good no more.
func (g *supervised) end(reason error) {
	g.mu.Lock()
	g.err = reason
	g.mu.Unlock()
	g.woken()
}

// CaughtUp reports whether nothing waits, here or with the guard.
func (g *supervised) CaughtUp() bool {
	return idle(g.pending) && g.subscription.CaughtUp() && g.guard.CaughtUp()
}

// Close ends both.
func (g *supervised) Close() {
	g.watched.leave()
	g.subscription.Close()
	g.guard.Close()
}
