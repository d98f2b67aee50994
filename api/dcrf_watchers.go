package api

import (
	"slices"

	"rowcall/notifier"
)

// watcher is a subscription of one row. What had been committed when it was made is not for it: the event of a change
// that the socket itself has just made may come later than the answer to the subscription.
type watcher struct {
	id    string // of the request
	since notifier.Moment
}

// indexOf finds a subscription by its request; -1 without one.
func indexOf(watchers []watcher, id string) int {
	return slices.IndexFunc(watchers, func(w watcher) bool { return w.id == id })
}

// addWatcher notes a subscription of a row. One that is there already is there once. It reports false
// when the socket has as many as it may.
func (d *dcrf) addWatcher(one *dcrfStream, key string, w watcher) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if indexOf(one.watchers[key], w.id) >= 0 {
		return true
	}
	n := 0
	for _, stream := range d.streams {
		for _, watchers := range stream.watchers {
			n += len(watchers)
		}
	}
	if n >= d.session.limits.SubscriptionsPerSocket {
		return false
	}
	one.watchers[key] = append(one.watchers[key], w)
	return true
}

// removeWatcher reports whether there was such a subscription.
func (d *dcrf) removeWatcher(one *dcrfStream, key, id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := indexOf(one.watchers[key], id)
	if at < 0 {
		return false
	}
	one.keep(key, slices.Delete(slices.Clone(one.watchers[key]), at, at+1))
	return true
}

// watches reports whether any row of a stream is subscribed to.
func (d *dcrf) watches(one *dcrfStream) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(one.watchers) > 0
}

// watchersOf are the requests whose subscriptions of a row an event is for, the last time where it says that the row
// is gone.
func (d *dcrf) watchersOf(one *dcrfStream, key string, e *notifier.Event, gone bool) (ids []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var newer []watcher
	for _, w := range one.watchers[key] {
		if w.since.Sees(e) {
			newer = append(newer, w)
			continue
		}
		ids = append(ids, w.id)
	}
	if gone {
		one.keep(key, newer)
	}
	return ids
}

// keep leaves a row these subscriptions. dcrf.mu is held.
func (s *dcrfStream) keep(key string, watchers []watcher) {
	if len(watchers) == 0 {
		delete(s.watchers, key)
		return
	}
	s.watchers[key] = watchers
}
