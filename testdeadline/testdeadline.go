// Package testdeadline tells tests how long to wait before they report that something hangs.
//
// A deadline in a test is never a measure of speed: the tests must also pass on a slow machine, in a
// build with the race detector, and beside other work. Each test process therefore measures once how
// slow it runs, and its deadlines grow with the result.
package testdeadline

import (
	"slices"
	"strconv"
	"sync"
	"time"
)

// base is the deadline on a machine that is not slow.
const base = time.Minute

// Hang returns how long a test waits for something that must happen: one minute, or more on a slow machine.
func Hang() time.Duration { return Scale(base) }

// Scale returns d on a machine that is not slow, and a longer time on a slow machine. It is for
// settings of the product that must not expire while a test works, and for deadlines above Hang.
func Scale(d time.Duration) time.Duration {
	return time.Duration(float64(d) * slowness())
}

// The measurement: steps pieces of work take reference on one of two common processors in a build with
// the race detector. A result above slowest is more likely one long pause than the usual speed.
const (
	steps     = 10_000
	reference = 25 * time.Millisecond
	slowest   = 10
)

// slowness is how many times longer than reference the work took in this process, never less than 1.
var slowness = sync.OnceValue(func() float64 {
	began := time.Now()
	work(steps)
	return factor(time.Since(began))
})

func factor(took time.Duration) float64 {
	return min(max(1, float64(took)/float64(reference)), slowest)
}

// work does a little of everything that tests do: it formats, allocates, looks up and sorts.
func work(steps int) int {
	seen, keys := map[string]int{}, []string{}
	for i := range steps {
		key := strconv.Itoa(i * 7919 % steps)
		seen[key]++
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return len(seen)
}
