package notifier

import "testing"

// TestAReaderThatCatchesUpNeedsShorterLaps ends laps of given lengths, where a lap of up to 100
// events is short.
func TestAReaderThatCatchesUpNeedsShorterLaps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		laps []int
		ends int // the lap after which the reader counts as too slow; 0: none
	}{
		"one long transaction":           {[]int{100_000, 300, 20, 1, 0}, 0},
		"short laps that grow":           {[]int{10, 20, 30, 40, 50, 60, 70, 80, 90, 100}, 0},
		"a load in several transactions": {[]int{1000, 30_000, 20_000, 500, 0}, 0},
		"two loads":                      {[]int{1000, 2000, 500, 3000, 4000, 100}, 0},
		"writers that stay ahead":        {[]int{50, 101, 202, 404, 808}, 4},
		"writers as fast as the reader":  {[]int{200, 200, 200, 200, 200, 200}, 0},
	} {
		var l pullLaps
		ended := 0
		for i, events := range c.laps {
			l.pulled = events
			if !l.end(100) {
				ended = i + 1
				break
			}
		}
		if ended != c.ends {
			t.Errorf("%s: it ends after lap %d, want %d (0: never)", name, ended, c.ends)
		}
	}
}

// TestAReaderBehindALongLapDoesNotRest ends laps. A rest there could make the next laps grow, for which the reader would
// be ended. When it is live again, its next long replay rests as before.
func TestAReaderBehindALongLapDoesNotRest(t *testing.T) {
	t.Parallel()
	s := &Subscription{outline: new(outline)}
	may := func(want bool, when string) {
		t.Helper()
		if got := s.mayRest(); got != want {
			t.Errorf("%s: it may rest: %t, want %t", when, got, want)
		}
	}
	lap := func(events int) {
		s.laps.pulled = events
		s.laps.end(100)
	}
	may(true, "in the first lap")
	lap(50)
	may(true, "behind a short lap")
	lap(101)
	may(false, "behind a long lap")
	lap(50)
	may(false, "behind a short lap that follows a long one")
	s.laps = pullLaps{}
	may(true, "after it was live")
	s.keepOutline(nil)
	may(false, "while its replay is not known to be long")
}
