package api

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/notifier"
)

const (
	// expiryCheckInterval is how late the end of a token may be noticed.
	expiryCheckInterval = time.Second

	// askInterval is how old what is known about an identity may become, and askRetryInterval is
	// when to ask again if the database did not answer.
	askInterval      = time.Minute
	askRetryInterval = 5 * time.Second

	// askTimeout bounds one question about all identities.
	askTimeout = 10 * time.Second
)

// vigil watches over the identities of open sockets and streams, whether or not they follow a
// topic. It ends those whose token has expired, and asks once a minute, in one statement for the
// whole node, which logins still hold. While the database does not answer, all remain. Sockets that
// follow a topic usually learn earlier, from the log, that their login has ended.
type vigil struct {
	current func(context.Context, []notifier.Follower) ([]identity.Standing, error)
	log     *slog.Logger

	mu  sync.Mutex               // guards all, and until of each entry
	all map[*vigilEntry]struct{} // those that are not anonymous
}

// vigilEntry is the identity of an open socket or stream.
type vigilEntry struct {
	vigil    *vigil
	identity identity.Identity
	end      func(error)
	until    time.Time // when the token expires; zero: there is no token
}

func newVigil(current func(context.Context, []notifier.Follower) ([]identity.Standing, error), log *slog.Logger) *vigil {
	return &vigil{current: current, log: log, all: map[*vigilEntry]struct{}{}}
}

// addIdentity watches over an identity until the entry is removed. When the identity no longer
// holds, the vigil calls end with the reason, from any goroutine; end must not block.
func (w *vigil) addIdentity(who identity.Identity, end func(error)) *vigilEntry {
	added := &vigilEntry{vigil: w, identity: who, end: end, until: who.Until}
	if who.Anonymous() {
		return added
	}
	w.mu.Lock()
	w.all[added] = struct{}{}
	w.mu.Unlock()
	if added.expired(time.Now()) { // meanwhile
		end(tokenExpired())
	}
	return added
}

// expired reports whether the token has expired. The caller holds the vigil's lock, or nobody else
// has the entry yet.
func (o *vigilEntry) expired(now time.Time) bool { return !o.until.IsZero() && !now.Before(o.until) }

// contextFor returns a context that also ends when the identity no longer holds; its cause is the
// reason. The caller must call leave.
func (w *vigil) contextFor(ctx context.Context, who identity.Identity) (during context.Context, leave func()) {
	during, cancel := context.WithCancelCause(ctx)
	added := w.addIdentity(who, cancel)
	return during, func() {
		added.remove()
		cancel(nil)
	}
}

// remove ends the watch over an entry.
func (o *vigilEntry) remove() {
	o.vigil.mu.Lock()
	defer o.vigil.mu.Unlock()
	delete(o.vigil.all, o)
}

func tokenExpired() error { return problem.Explain(problem.ErrUnauthorized, "the token has expired") }

// renewUntil notes that the token has been replaced by one that expires at another time.
func (o *vigilEntry) renewUntil(until time.Time) {
	o.vigil.mu.Lock()
	defer o.vigil.mu.Unlock()
	o.until = until
}

// run watches until ctx ends. Tokens have a goroutine of their own, so that a slow database does
// not give them more time.
func (w *vigil) run(ctx context.Context) {
	var asking sync.WaitGroup
	defer asking.Wait()
	asking.Go(func() { w.askRegularly(ctx) })
	beat := time.NewTicker(expiryCheckInterval)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-beat.C:
			w.endExpired(now)
		}
	}
}

// endExpired ends the entries whose token has expired. To look at ten thousand takes less than a
// millisecond.
func (w *vigil) endExpired(now time.Time) {
	for _, o := range w.entries(func(o *vigilEntry) bool { return o.expired(now) }) {
		o.end(tokenExpired())
	}
}

// endLogin ends the entries of a login that is over. On other nodes, and with a delay here, those
// that follow a topic learn it from the log; the others would not.
func (w *vigil) endLogin(session string) {
	for _, o := range w.entries(func(o *vigilEntry) bool { return o.identity.Login == session }) {
		o.end(problem.ErrUnauthorized)
	}
}

// entries returns the entries for which a condition holds.
func (w *vigil) entries(is func(*vigilEntry) bool) []*vigilEntry {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []*vigilEntry
	for o := range w.all {
		if is(o) {
			found = append(found, o)
		}
	}
	return found
}

// askRegularly asks about all identities once a minute, until ctx ends.
func (w *vigil) askRegularly(ctx context.Context) {
	next := time.NewTimer(askInterval)
	defer next.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		err := w.askAll(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			w.log.Warn("identities cannot be looked up again; they are kept for now", "err", err)
		}
		failing = err != nil
		if failing {
			next.Reset(askRetryInterval)
		} else {
			next.Reset(askInterval)
		}
	}
}

// askAll ends the entries whose identity no longer holds. Sockets of one login are asked about
// together.
func (w *vigil) askAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	groups := map[notifier.Follower][]*vigilEntry{}
	for _, o := range w.entries(func(*vigilEntry) bool { return true }) {
		f := o.identity.Follower()
		f.Claims = "" // they do not matter to the standing
		groups[f] = append(groups[f], o)
	}
	followers := make([]notifier.Follower, 0, len(groups))
	for f := range groups {
		followers = append(followers, f)
	}
	standings, err := w.current(ctx, followers)
	if err != nil {
		return err
	}
	for i, f := range followers {
		if reason := standings[i].Lapsed(f); reason != nil {
			for _, o := range groups[f] {
				o.end(reason)
			}
		}
	}
	return nil
}
