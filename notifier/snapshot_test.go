package notifier

import (
	"testing"

	"pgregory.net/rapid"
)

// someSnapshot draws a valid snapshot of few transactions, so that all of them can be compared.
func someSnapshot(t *rapid.T, name string) snapshot {
	xmin := rapid.Uint64Range(3, 20).Draw(t, name+" xmin")
	xmax := xmin + rapid.Uint64Range(0, 8).Draw(t, name+" width")
	s := snapshot{xmin: xmin, xmax: xmax}
	for x := xmin; x < xmax; x++ {
		if rapid.Bool().Draw(t, name+" running") {
			s.xip = append(s.xip, x)
		}
	}
	return s
}

func TestSnapshotTextRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := someSnapshot(t, "s")
		back, err := parseSnapshot(s.String())
		if err != nil || !back.equal(s) {
			t.Fatalf("%s came back as %s, %v", s, back, err)
		}
	})
}

func TestSnapshotCoversMeansSeesAllTheOtherSees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		newer, older := someSnapshot(t, "newer"), someSnapshot(t, "older")
		want := true
		for x := uint64(1); x < 40; x++ {
			if older.sees(x) && !newer.sees(x) {
				want = false
			}
		}
		if got := newer.covers(older); got != want {
			t.Fatalf("%s covers %s: %t, want %t", newer, older, got, want)
		}
	})
}

func TestSnapshotBeforeSeesWhatItSawOfEarlierTransactions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, from := someSnapshot(t, "s"), rapid.Uint64Range(1, 40).Draw(t, "from")
		earlier := s.before(from)
		for x := uint64(1); x < 40; x++ {
			if got, want := earlier.sees(x), x < from && s.sees(x); got != want {
				t.Fatalf("%s before %d is %s: sees %d: %t", s, from, earlier, x, got)
			}
		}
	})
}

func TestParseSnapshotRefusesWhatPostgreSQLWouldNotWrite(t *testing.T) {
	for _, text := range []string{"", "1", "1:2", "5:4:", "5:9:4", "5:9:9", "5:9:7,6", "5:9:7,7", "5:9:x", "-5:9:", "0:0:", "5:9:7,"} {
		if s, err := parseSnapshot(text); err == nil {
			t.Errorf("%q was read as %s", text, s)
		}
	}
}

func TestWidenFindsTheNearestEpoch(t *testing.T) {
	for _, test := range []struct {
		xid  uint32
		near uint64
		want uint64
	}{
		{740, 742, 740},
		{750, 742, 750},
		{0xfffffff0, 1<<32 + 5, 0xfffffff0},
		{7, 1<<32 - 3, 1<<32 + 7},
		{7, 5<<32 + 9, 5<<32 + 7},
	} {
		if got := widenXID(test.xid, test.near); got != test.want {
			t.Errorf("widenXID(%d, %d) = %d, want %d", test.xid, test.near, got, test.want)
		}
	}
}

func TestFloorSparesACursorOnlyWhereNothingAfterItWasDropped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dropped := someSnapshot(t, "at the floor")
		f := floor{xid: rapid.Uint64Range(1, dropped.xmax).Draw(t, "floor"), snap: dropped}
		s := someSnapshot(t, "cursor")
		lost := false
		for x := uint64(1); x <= f.xid; x++ {
			if dropped.sees(x) && !s.sees(x) {
				lost = true // x may have been dropped and not been seen
			}
		}
		if lost && f.spares(s) {
			t.Fatalf("floor %d %s spares %s, which has not seen all of it", f.xid, f.snap, s)
		}
	})
}
