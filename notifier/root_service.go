package notifier

import (
	"context"
	"errors"
	"slices"
	"time"
)

// This file is what a rootLine does with the items that are being served. root_line.go decides which
// item is served next.

// service is one item that is being served. Its holder gives the permit back with done.
type service[T comparable] struct {
	item     T
	failures int // of the item, before this service

	root        *lineRoot[T]
	suspect     bool // counts for the half of the permits
	lingers     bool // at work for longer than slowAfter
	interrupted bool
	ended       bool
	lingerTimer *time.Timer
	cancel      context.CancelCauseFunc // nil: the work has not begun
}

// outcome says how a service has ended.
type outcome int

const (
	outcomeServed    outcome = iota // the database has done the work
	outcomeFailed                   // it has not
	outcomeUndecided                // the database was not asked, or nobody waits for the answer any longer
)

// slowAfter is how long a service may last before it makes its root slow.
const slowAfter = 500 * time.Millisecond

// errInterrupted is the cause of a context whose work was interrupted.
var errInterrupted = errors.New("interrupted because the database was slow and other root topics needed the connection")

// begin returns the context for the work of a service. It ends with the cause errInterrupted if the
// work is interrupted. The caller calls end when the work is done, before done.
func (l *rootLine[T]) begin(ctx context.Context, s *service[T]) (_ context.Context, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	s.cancel = cancel
	if s.interrupted {
		cancel(errInterrupted)
	}
	return ctx, func() { cancel(nil) }
}

// wasInterrupted reports whether work in this context was interrupted.
func wasInterrupted(ctx context.Context) bool { return context.Cause(ctx) == errInterrupted }

// linger notes that a service is at work for longer than slowAfter.
func (l *rootLine[T]) linger(s *service[T]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.ended {
		return
	}
	s.lingers = true
	if !s.suspect {
		s.suspect = true
		l.suspects++
	}
	if s.failures == 0 {
		s.root.lingering++
		s.root.slow = true
	}
	l.listLocked(s.root)
}

// done gives the permit of a service back. If a retry was served, the fault is over, or was never the
// root's: all parked items of the root are tried again at once.
func (l *rootLine[T]) done(s *service[T], how outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.giveBackLocked(s)
	r := s.root
	switch {
	case s.failures == 0 && !s.lingers && r.lingering == 0 && how != outcomeUndecided:
		r.slow = false
	case s.failures > 0 && how == outcomeServed:
		for f := range r.parked {
			l.unparkLocked(r, f)
		}
	}
	l.listLocked(r)
}

func (l *rootLine[T]) giveBackLocked(s *service[T]) {
	s.lingerTimer.Stop()
	s.ended = true
	l.busy = slices.DeleteFunc(l.busy, func(other *service[T]) bool { return other == s })
	r := s.root
	r.atWork--
	if s.failures > 0 {
		r.retried--
	} else if s.lingers {
		r.lingering--
	}
	if s.suspect {
		l.suspects--
	}
	if s.interrupted {
		r.leaving--
	}
}

// makeRoomLocked interrupts slow work if a root needs its permit. A sound root gets a permit of those
// that slow work has beyond its half. A slow root that has no permit gets one of a root that has
// several.
func (l *rootLine[T]) makeRoomLocked() {
	switch first := l.firstSuspectLocked(); {
	case len(l.busy) == l.permits && l.firstSoundLocked() != nil:
		l.interruptLocked(min(l.suspects-l.permits/2, l.soundItemsLocked()), 1)
	case first != nil && first.atWork == 0 && l.suspects >= l.suspectPermits():
		l.interruptLocked(1, 2)
	}
}

// soundItemsLocked is how many items of sound roots wait for a permit.
func (l *rootLine[T]) soundItemsLocked() int {
	n := 0
	for _, r := range l.sound {
		if !r.slow && l.mayTry(r) {
			n += len(r.fresh)
		}
	}
	return n
}

// interruptLocked interrupts services that linger, until n are on their way out. It takes them from
// the roots with most permits, and only from roots with at least so many. Of equals it takes the one
// that began last: where all work is slow, the work that began first must end some day.
func (l *rootLine[T]) interruptLocked(n, least int) {
	for _, s := range l.busy {
		if s.interrupted {
			n--
		}
	}
	for ; n > 0; n-- {
		var victim *service[T]
		for _, s := range slices.Backward(l.busy) {
			has := s.root.atWork - s.root.leaving
			if s.lingers && !s.interrupted && has >= least && (victim == nil || has > victim.root.atWork-victim.root.leaving) {
				victim = s
			}
		}
		if victim == nil {
			return
		}
		victim.interrupted = true
		victim.root.leaving++
		if victim.cancel != nil {
			victim.cancel(errInterrupted)
		}
	}
}
