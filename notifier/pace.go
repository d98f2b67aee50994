package notifier

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// leastRest is the least time between two polls: rings are anybody's to send, and must not make a node
	// poll without end.
	leastRest = time.Millisecond
	// emptyPolls is how many polls in a row may find nothing before rings are heeded less often.
	emptyPolls = 10
	// crowded is how many transactions one poll must find for the next to be taken at leisure: there, larger
	// batches cost the server less than more of them.
	crowded = 16
)

// rest waits until it is time to look again.
func (w *watch) rest(ctx context.Context) error {
	if err := sleep(ctx, nil, w.breath()-time.Since(w.began)); err != nil {
		return err
	}
	return sleep(ctx, w.poking, w.pace())
}

// breath is the least time between two polls. Rings that lead to nothing, time after time, may be anybody's.
func (w *watch) breath() time.Duration {
	if w.empty < emptyPolls {
		return leastRest
	}
	return w.feed.options.PollBusy
}

// pace is how long nobody looks unless somebody pokes.
func (w *watch) pace() time.Duration {
	o := &w.feed.options
	if w.arming.armed() {
		return w.suspect.within(o.Sweep)
	}
	switch {
	case w.crowd >= crowded:
		w.interval = 2 * o.PollBusy
	case w.found || w.interval == 0:
		w.interval = o.PollBusy
	default:
		w.interval = min(2*w.interval, w.slowest())
	}
	return w.interval*3/4 + rand.N(w.interval/2+1)
}

// slowest is what the interval may back off to: not far while writers that do not ring are busy.
func (w *watch) slowest() time.Duration {
	o := &w.feed.options
	if !ringing(w.gate.generation) && time.Since(w.lastFind) < time.Second {
		return min(2*o.PollBusy, o.PollIdle)
	}
	return o.PollIdle
}
