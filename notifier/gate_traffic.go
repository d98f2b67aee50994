package notifier

import "time"

const (
	// trafficWindow is how long transactions are counted at least before their rate is judged.
	trafficWindow = 250 * time.Millisecond
	// trafficWindowMost is how long a window may become while it lacks looks.
	trafficWindowMost = 2 * time.Second
	// trafficLook is the least time between two looks for commits that wait.
	trafficLook = 10 * time.Millisecond
	// trafficRest is the longest rest between two polls while looks are due.
	trafficRest = 20 * time.Millisecond
	// fewestLooks is how many looks a window needs before anything follows from them.
	fewestLooks = 10
	// crowdedShare is the part of looks that find waiting commits from which on writers count as
	// waiting for each other.
	crowdedShare = 0.2
)

// gateTraffic counts the transactions that file events, and looks for those whose commit waits for
// NOTIFY's lock, one window after the other. The zero value begins with a window.
type gateTraffic struct {
	since    time.Time // the beginning of the window
	writers  int       // transactions since then
	looks    int
	waits    int // looks that found waiting commits
	lookedAt time.Time
	lastRate float64 // of the window before
}

// trafficOfWindow is what one window has shown.
type trafficOfWindow struct {
	rate  float64 // transactions a second
	looks int
	waits int // looks that found waiting commits
}

// count adds the transactions that a poll has found. At the end of a window it returns what the
// window has shown.
func (t *gateTraffic) count(writers int) (trafficOfWindow, bool) {
	t.writers += writers
	elapsed := time.Since(t.since)
	if elapsed < trafficWindow || t.looks > 0 && t.looks < fewestLooks && elapsed < trafficWindowMost {
		return trafficOfWindow{}, false
	}
	shown := trafficOfWindow{rate: float64(t.writers) / elapsed.Seconds(), looks: t.looks, waits: t.waits}
	*t = gateTraffic{since: time.Now(), lookedAt: t.lookedAt, lastRate: shown.rate}
	return shown, true
}

// isLookDue reports whether it is time to look for commits that wait.
func (t *gateTraffic) isLookDue() bool { return time.Since(t.lookedAt) >= trafficLook }

func (t *gateTraffic) noteLook(waiting bool) {
	t.lookedAt = time.Now()
	t.looks++
	if waiting {
		t.waits++
	}
}

// isCrowded reports whether there were more than busy transactions a second, and many of them
// waited for each other.
func (w trafficOfWindow) isCrowded(busy float64) bool {
	return w.rate > busy && w.looks >= fewestLooks && float64(w.waits) >= crowdedShare*float64(w.looks)
}
