package notifier

import (
	"context"
	"time"
)

// Meter bounds the cost of replays, for example of all replays of one user, and is told what they
// read. It is about replays from the log. A replay from the tail is not metered: it costs next to
// nothing, and after a restart all clients come back at once.
type Meter interface {
	// BeginReplay waits for a place for one more replay. done gives the place back. Subscribe
	// returns the error as it is.
	BeginReplay(ctx context.Context) (done func(), err error)
	// Spend is told how many bytes a replay has read, and returns how long that replay must not
	// read more.
	Spend(bytes int) time.Duration
}
