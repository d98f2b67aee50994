package api

import (
	"context"
	"sync"
	"time"

	"rowcall/notifier"
)

// sharedMeter has the replays of one socket stand in one place. Where all subscriptions of a socket are made before any
// of them is read, each would otherwise wait for what the one before it gives back only when it is read.
type sharedMeter struct {
	meter notifier.Meter

	mu    sync.Mutex // guards what follows
	users int        // replays in the place
	leave func()     // gives it back; there are users
}

// shareMeter bounds nothing where nobody does.
func shareMeter(meter notifier.Meter) notifier.Meter {
	if meter == nil {
		return nil
	}
	return &sharedMeter{meter: meter}
}

// BeginReplay waits for the place only where no other replay of the socket has it. It is called for one subscription after
// the other.
func (m *sharedMeter) BeginReplay(ctx context.Context) (done func(), err error) {
	if !m.join() {
		leave, err := m.meter.BeginReplay(ctx)
		if err != nil {
			return nil, err
		}
		m.mu.Lock()
		m.users, m.leave = 1, leave
		m.mu.Unlock()
	}
	return sync.OnceFunc(m.part), nil
}

// join reports whether there is a place already.
func (m *sharedMeter) join() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.users == 0 {
		return false
	}
	m.users++
	return true
}

// part gives the place back with its last replay.
func (m *sharedMeter) part() {
	m.mu.Lock()
	m.users--
	last, leave := m.users == 0, m.leave
	m.mu.Unlock()
	if last {
		leave()
	}
}

// Spend counts each replay by itself.
func (m *sharedMeter) Spend(bytes int) time.Duration { return m.meter.Spend(bytes) }
