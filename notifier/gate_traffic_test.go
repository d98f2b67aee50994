package notifier

import (
	"math"
	"testing"
	"time"
)

// TestWritersRingUnlessTheyWaitForEachOther has the keeper judge windows of a tenth more than
// trafficWindow, with a limit of 100 transactions a second.
func TestWritersRingUnlessTheyWaitForEachOther(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ringing        bool
		rate           float64 // of the window
		looks, waits   int
		busyRate       float64       // before
		busyAgo, quiet time.Duration // when busyRate was seen; since when the rate is low
		want           bool
	}{
		"idle":                               {ringing: true, rate: 0, want: true},
		"often, nobody waits":                {ringing: true, rate: 5000, looks: 25, waits: 0, want: true},
		"often, few wait":                    {ringing: true, rate: 5000, looks: 25, waits: 4, want: true},
		"often, many wait":                   {ringing: true, rate: 5000, looks: 25, waits: 5, want: false},
		"often, hardly looked":               {ringing: true, rate: 5000, looks: 9, waits: 9, want: true},
		"seldom, many wait":                  {ringing: true, rate: 99, looks: 25, waits: 25, want: true},
		"silent, as often as they waited":    {rate: 5000, busyRate: 4000, quiet: time.Hour, want: false},
		"silent, half as often":              {rate: 1900, busyRate: 4000, quiet: gateQuiet, want: true},
		"silent, half as often, only now":    {rate: 1900, busyRate: 4000, quiet: gateQuiet / 2, want: false},
		"silent, below the quiet rate":       {rate: 40, busyRate: 60, quiet: gateQuiet, want: true},
		"silent, not known why":              {rate: 5000, quiet: gateQuiet, want: true},
		"silent, and waited long ago":        {rate: 5000, busyRate: 4000, busyAgo: busyRateKept + time.Minute, quiet: gateQuiet, want: true},
		"silent, and the rate is high again": {rate: 3000, busyRate: 4000, quiet: gateQuiet, want: false},
	} {
		elapsed := trafficWindow * 11 / 10
		now := time.Now()
		g := gatekeeper{
			options: &Options{Ring: RingAuto, RingBusy: 100, RingQuiet: 50}, isKeeper: true,
			traffic:  gateTraffic{since: now.Add(-elapsed), looks: c.looks, waits: c.waits},
			busyRate: c.busyRate, busySince: now.Add(-c.busyAgo), quietSince: now.Add(-c.quiet),
		}
		p := &poll{gate: 2, writers: int(math.Round(c.rate * elapsed.Seconds()))}
		if c.ringing {
			p.gate = 1
		}
		if got := g.wantRinging(p); got != c.want {
			t.Errorf("%s: wantRinging = %v, want %v", name, got, c.want)
		}
	}
}

// TestANegativeQuietRateLeavesTheGate checks the setting of tests that flip the gate themselves.
func TestANegativeQuietRateLeavesTheGate(t *testing.T) {
	t.Parallel()
	g := gatekeeper{
		options: &Options{Ring: RingAuto, RingBusy: 1 << 30, RingQuiet: -1}, isKeeper: true,
		traffic: gateTraffic{since: time.Now().Add(-time.Hour)}, quietSince: time.Now().Add(-time.Hour),
	}
	if g.wantRinging(&poll{gate: 2}) {
		t.Error("writers ring again")
	}
}
