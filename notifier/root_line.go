package notifier

import (
	"slices"
	"sync"
	"time"
)

// rootLine is a line of work that needs the database. It has a number of permits, and serves as many
// items at a time. Each item belongs to a root topic; see Subscription.root.
// A table that is locked holds up all work for the roots whose access needs it, so the line gives
// each root a budget of permits:
//
//   - Roots are served in turn. One root takes at most three quarters of the permits.
//   - A root is slow while a first attempt for it is at work for longer than slowAfter, and until
//     a first attempt ends sooner. Time decides and not success, because a failure that comes at
//     once takes a permit from nobody.
//   - An item that has failed is parked without a permit, longer after each failure, and then
//     tried again. It counts for itself and does not make its root slow, so that a single
//     subscription whose access cannot be asked leaves the others of its root alone. The retries of
//     a root have permits of their own.
//   - Slow roots and retries together take at most half of the permits. If they have more, because
//     they took them before they were known to be slow, they are interrupted when another root
//     needs one.
type rootLine[T comparable] struct {
	permits      int
	freshPerRoot int    // how many first attempts of a root are made at a time
	ready        signal // raised when next may return an item

	mu         sync.Mutex // guards all below
	roots      map[string]*lineRoot[T]
	sound      []*lineRoot[T] // roots with first attempts to make that are not slow, in turn
	suspect    []*lineRoot[T] // roots with retries, or with first attempts while they are slow, in turn
	busy       []*service[T]
	suspects   int  // services in busy that count for the half of the permits
	wasSuspect bool // the last service was taken from suspect
}

// lineRoot is what the line knows about one root.
type lineRoot[T comparable] struct {
	name      string
	fresh     []T              // items in line that have not failed
	again     []*failedItem[T] // items in line that have failed
	parked    map[*failedItem[T]]struct{}
	atWork    int // how many items are being served
	retried   int // how many of these have failed before
	leaving   int // how many of these are interrupted
	lingering int // how many first attempts are at work for longer than slowAfter
	slow      bool
	inSound   bool
	inSuspect bool
	wasRetry  bool // the last service taken from suspect was a retry
}

// failedItem is an item whose service has failed.
type failedItem[T comparable] struct {
	item     T
	failures int
}

func newRootLine[T comparable](permits, freshPerRoot int) *rootLine[T] {
	return &rootLine[T]{permits: permits, freshPerRoot: freshPerRoot, ready: newSignal(), roots: make(map[string]*lineRoot[T])}
}

// mostPerRoot is how many of so many permits one root may take: three quarters, and at least one.
func mostPerRoot(permits int) int { return max(1, permits*3/4) }

// suspectPermits is how many permits slow roots and retries may take together.
func (l *rootLine[T]) suspectPermits() int { return max(1, l.permits/2) }

// add puts an item in line.
func (l *rootLine[T]) add(root string, item T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rootLocked(root)
	r.fresh = append(r.fresh, item)
	l.listLocked(r)
}

// addRetry puts an item in line that has failed so many times.
func (l *rootLine[T]) addRetry(root string, item T, failures int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rootLocked(root)
	r.again = append(r.again, &failedItem[T]{item, failures})
	l.listLocked(r)
}

func (l *rootLine[T]) rootLocked(name string) *lineRoot[T] {
	r := l.roots[name]
	if r == nil {
		r = &lineRoot[T]{name: name, parked: make(map[*failedItem[T]]struct{})}
		l.roots[name] = r
	}
	return r
}

// remove takes an item out of the line. It returns false if the item is not in line: next has
// returned it.
func (l *rootLine[T]) remove(root string, item T) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.roots[root]
	if r == nil {
		return false
	}
	defer l.forgetIdleLocked(r)
	if i := slices.Index(r.fresh, item); i >= 0 {
		r.fresh = slices.Delete(r.fresh, i, i+1)
		return true
	}
	i := slices.IndexFunc(r.again, func(f *failedItem[T]) bool { return f.item == item })
	if i >= 0 {
		r.again = slices.Delete(r.again, i, i+1)
	}
	return i >= 0
}

// next returns an item that is to be served now, and takes a permit for it. It returns nil if there
// is none. If there may be more, it raises ready.
func (l *rootLine[T]) next() *service[T] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.busy) >= l.permits {
		return nil
	}
	r, suspect := l.nextRootLocked()
	if r == nil {
		return nil
	}
	s := l.takeItemLocked(r, suspect)
	s.suspect, l.wasSuspect = suspect, suspect
	s.lingerTimer = time.AfterFunc(slowAfter, func() { l.linger(s) })
	l.busy = append(l.busy, s)
	r.atWork++
	if suspect {
		l.suspects++
	}
	l.listLocked(r)
	return s
}

// nextRootLocked takes the root whose turn it is off its list. A suspect root comes first if none
// is served: it must not wait until all others have nothing to do. Right after another suspect root it
// does not come first: with a single permit the others would never get it.
func (l *rootLine[T]) nextRootLocked() (r *lineRoot[T], suspect bool) {
	if l.suspects == 0 && !l.wasSuspect {
		if r = l.firstSuspectLocked(); r != nil {
			return l.popLocked(&l.suspect, &r.inSuspect), true
		}
	}
	if r = l.firstSoundLocked(); r != nil {
		return l.popLocked(&l.sound, &r.inSound), false
	}
	if l.suspects < l.suspectPermits() {
		if r = l.firstSuspectLocked(); r != nil {
			return l.popLocked(&l.suspect, &r.inSuspect), true
		}
	}
	return nil, false
}

// firstSoundLocked returns the first root in sound. It drops the roots before it that have changed
// since they were listed.
func (l *rootLine[T]) firstSoundLocked() *lineRoot[T] {
	for len(l.sound) > 0 {
		r := l.sound[0]
		if !r.slow && l.mayTry(r) {
			return r
		}
		l.popLocked(&l.sound, &r.inSound)
		l.enlistLocked(r)
	}
	return nil
}

// firstSuspectLocked is firstSoundLocked for suspect.
func (l *rootLine[T]) firstSuspectLocked() *lineRoot[T] {
	for len(l.suspect) > 0 {
		r := l.suspect[0]
		if l.isSuspect(r) {
			return r
		}
		l.popLocked(&l.suspect, &r.inSuspect)
		l.enlistLocked(r)
	}
	return nil
}

func (l *rootLine[T]) popLocked(list *[]*lineRoot[T], listed *bool) *lineRoot[T] {
	r := (*list)[0]
	(*list)[0] = nil
	*list = (*list)[1:]
	*listed = false
	return r
}

// mayTry reports whether a first attempt for the root may begin, given a permit.
func (l *rootLine[T]) mayTry(r *lineRoot[T]) bool {
	return len(r.fresh) > 0 && r.atWork < mostPerRoot(l.permits) && r.atWork-r.retried < l.freshPerRoot
}

// mayRetry reports whether a retry for the root may begin, given a permit.
func (l *rootLine[T]) mayRetry(r *lineRoot[T]) bool {
	most := mostPerRoot(l.permits)
	return len(r.again) > 0 && r.atWork < most && r.retried < max(1, most/2)
}

func (l *rootLine[T]) isSuspect(r *lineRoot[T]) bool { return l.mayRetry(r) || r.slow && l.mayTry(r) }

// takeItemLocked takes an item of the root out of the line. A slow root has first attempts and
// retries by turns.
func (l *rootLine[T]) takeItemLocked(r *lineRoot[T], suspect bool) *service[T] {
	retry := suspect && l.mayRetry(r) && !(r.wasRetry && r.slow && l.mayTry(r))
	if suspect {
		r.wasRetry = retry
	}
	if !retry {
		item := r.fresh[0]
		r.fresh[0] = *new(T)
		r.fresh = r.fresh[1:]
		return &service[T]{item: item, root: r}
	}
	f := r.again[0]
	r.again[0] = nil
	r.again = r.again[1:]
	r.retried++
	return &service[T]{item: f.item, failures: f.failures, root: r}
}

// enlistLocked puts the root into the lists in which it belongs.
func (l *rootLine[T]) enlistLocked(r *lineRoot[T]) {
	if !r.slow && l.mayTry(r) && !r.inSound {
		l.sound = append(l.sound, r)
		r.inSound = true
	}
	if l.isSuspect(r) && !r.inSuspect {
		l.suspect = append(l.suspect, r)
		r.inSuspect = true
	}
}

// listLocked looks at the root after a change: it lists the root, raises ready if there is something
// to serve, and else frees a permit for it.
func (l *rootLine[T]) listLocked(r *lineRoot[T]) {
	l.enlistLocked(r)
	if len(l.busy) < l.permits && (len(l.sound) > 0 || len(l.suspect) > 0 && l.suspects < l.suspectPermits()) {
		l.ready.raise()
	}
	l.makeRoomLocked()
	l.forgetIdleLocked(r)
}

// forgetIdleLocked forgets a root for which there is nothing to do.
func (l *rootLine[T]) forgetIdleLocked(r *lineRoot[T]) {
	if len(r.fresh)+len(r.again)+len(r.parked)+r.atWork == 0 && l.roots[r.name] == r {
		delete(l.roots, r.name)
	}
}
