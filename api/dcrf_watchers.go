package api

import "slices"

// addWatcher notes a subscription of a row. One that is there already is there once. It reports false
// when the socket has as many as it may.
func (d *dcrf) addWatcher(one *dcrfStream, key, id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if slices.Contains(one.watchers[key], id) {
		return true
	}
	n := 0
	for _, stream := range d.streams {
		for _, ids := range stream.watchers {
			n += len(ids)
		}
	}
	if n >= d.session.limits.SubscriptionsPerSocket {
		return false
	}
	one.watchers[key] = append(one.watchers[key], id)
	return true
}

// removeWatcher reports whether there was such a subscription.
func (d *dcrf) removeWatcher(one *dcrfStream, key, id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := slices.Index(one.watchers[key], id)
	if at < 0 {
		return false
	}
	one.watchers[key] = slices.Delete(slices.Clone(one.watchers[key]), at, at+1)
	if len(one.watchers[key]) == 0 {
		delete(one.watchers, key)
	}
	return true
}

// watches reports whether any row of a stream is subscribed to.
func (d *dcrf) watches(one *dcrfStream) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(one.watchers) > 0
}

// watchersOf are the subscriptions of a row, the last time where it is gone.
func (d *dcrf) watchersOf(one *dcrfStream, key string, gone bool) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	ids := slices.Clone(one.watchers[key])
	if gone {
		delete(one.watchers, key)
	}
	return ids
}
