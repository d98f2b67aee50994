package notifier

import (
	"testing"
	"time"
)

func TestDurationsFallIntoTheirPlaces(t *testing.T) {
	t.Parallel()
	var d DurationHistogram
	for _, took := range []time.Duration{-time.Second, 250 * time.Microsecond, time.Millisecond, time.Hour} {
		d.add(took)
	}
	count, sum, upTo := d.Cumulative()
	if count != 4 || sum != time.Hour+1250*time.Microsecond {
		t.Errorf("there are %d, together %s", count, sum)
	}
	for bound, want := range map[time.Duration]uint64{250 * time.Microsecond: 2, 500 * time.Microsecond: 2, time.Millisecond: 3, time.Minute: 3} {
		if upTo[bound] != want {
			t.Errorf("%d are not longer than %s, want %d", upTo[bound], bound, want)
		}
	}
}

// What a transaction wrote is available when it commits, so that the last of its events tells how long that took.
func TestTheLastEventOfATransactionIsTimed(t *testing.T) {
	t.Parallel()
	var c pollTally
	now := time.Now()
	c.countQueued([]*Event{
		{xid: 1, Time: now.Add(-time.Hour)}, {xid: 1, Time: now},
		{xid: 2, Time: now.Add(-20 * time.Second)}, {xid: 3, Time: now.Add(time.Hour)},
	})
	count, sum, _ := c.eventDelay.Cumulative()
	if c.events != 4 || count != 3 || sum < 20*time.Second || sum > time.Minute {
		t.Errorf("%d events, of which %d took %s", c.events, count, sum)
	}
}
