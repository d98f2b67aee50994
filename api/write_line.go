package api

import (
	"runtime"
	"sync"
)

const (
	// sessionsPerWriter is how many sessions wait in line for each goroutine before another one is
	// started.
	sessionsPerWriter = 8
	// quickWrites is how many writes a session may make in line.
	quickWrites = 2
	// quickLooks is how often a session may look for frames in line: a filter may test many events that
	// it does not let through, and a look then brings no frame.
	quickLooks = 8
	// sessionsPerYield is how many sessions a goroutine serves before it lets others run.
	sessionsPerYield = 16
)

// writeLine is the line of sessions with something to send. A few goroutines serve it, at most one for
// each processor: to start one for each session would cost an event of a hundred sockets a hundred
// switches before the last of them has it.
//
// Nobody waits in line for a slow client. A goroutine whose session would block, or needs more than a
// few looks or writes, leaves the line, becomes that session's own, and another one takes its place.
type writeLine struct {
	most    int // goroutines that serve the line
	running sync.WaitGroup

	mu      sync.Mutex // guards what follows
	waiting []*session
	serving int // goroutines that serve the line
}

func newWriteLine() *writeLine { return &writeLine{most: runtime.GOMAXPROCS(0)} }

// add puts a session in line. It never blocks.
func (l *writeLine) add(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, s)
	l.startLocked()
}

// startLocked starts a goroutine if those that serve the line are too few.
func (l *writeLine) startLocked() {
	if l.serving < l.most && len(l.waiting) > l.serving*sessionsPerWriter {
		l.serving++
		l.running.Go(l.serve)
	}
}

// serve serves the line until nobody waits, or a session keeps the goroutine.
func (l *writeLine) serve() {
	for served := 1; ; served++ {
		s := l.next()
		if s == nil {
			return
		}
		left := false
		s.write(func() {
			left = true
			l.leave()
		})
		if left {
			return
		}
		if served%sessionsPerYield == 0 {
			runtime.Gosched()
		}
	}
}

// next takes a session out of the line. If nobody waits, it returns nil, and the goroutine serves the
// line no longer.
func (l *writeLine) next() *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.waiting = nil
		l.serving--
		return nil
	}
	s := l.waiting[0]
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	return s
}

// leave notes that a goroutine serves the line no longer.
func (l *writeLine) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.serving--
	l.startLocked()
}

// wait waits until no goroutine of the line runs. No session may be left.
func (l *writeLine) wait() { l.running.Wait() }
