package notifier

import (
	"math/rand/v2"
	"time"
)

// A failed item is parked for about shortestPark after its first failure, and for twice as long
// after each further one, up to longestPark. With many parked items of one root the limit is higher,
// so that they are not tried more often than once per parkSpacing together, up to maxPark.
const (
	shortestPark = 200 * time.Millisecond
	longestPark  = 2 * time.Second
	parkSpacing  = 10 * time.Millisecond
	maxPark      = 30 * time.Second
)

// park puts an item in line that has failed so many times, after a while. It uses no goroutine, so
// that nobody waits for it at the node's end.
func (l *rootLine[T]) park(root string, item T, failures int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rootLocked(root)
	f := &failedItem[T]{item, failures}
	r.parked[f] = struct{}{}
	longest := min(maxPark, max(longestPark, time.Duration(len(r.parked))*parkSpacing))
	d := min(longest, shortestPark<<min(failures-1, 10))
	time.AfterFunc(d/2+rand.N(d), func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.unparkLocked(r, f)
		l.listLocked(r)
	})
}

// parkedItems returns how many items of the root are parked.
func (l *rootLine[T]) parkedItems(root string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.roots[root]; r != nil {
		return len(r.parked)
	}
	return 0
}

func (l *rootLine[T]) unparkLocked(r *lineRoot[T], f *failedItem[T]) {
	if _, parked := r.parked[f]; parked {
		delete(r.parked, f)
		r.again = append(r.again, f)
	}
}
