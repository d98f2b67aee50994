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
	// expiryBeat is how late the end of a token may be noticed.
	expiryBeat = time.Second

	// askAgainAfter is how old the answer about an identity may become, and askAgainSoon how long
	// it takes to ask once more when the database did not answer.
	askAgainAfter = time.Minute
	askAgainSoon  = 5 * time.Second

	// askPatience bounds one question about all identities.
	askPatience = 10 * time.Second
)

// watch looks after the identities of open sockets and streams, whether or not they follow
// anything: it ends those whose token has run out, and asks once a minute, for all of the node in
// one statement, which logins are still good. What the database cannot tell stays as it is. That
// a login ends is usually known before, from the log, by those who follow a topic.
type watch struct {
	current func(context.Context, []notifier.Follower) ([]identity.Standing, error)
	log     *slog.Logger

	mu  sync.Mutex            // guards all, and the until of each
	all map[*watched]struct{} // those who are somebody
}

// watched is one open socket or stream.
type watched struct {
	watch *watch
	who   identity.Identity
	end   func(error)
	until time.Time // when its token runs out; zero: it has none
}

func newWatch(current func(context.Context, []notifier.Follower) ([]identity.Standing, error), log *slog.Logger) *watch {
	return &watch{current: current, log: log, all: map[*watched]struct{}{}}
}

// add has an identity looked after until leave is called. When it is good no more, end is called
// with the reason, from any goroutine; it must not block.
func (w *watch) add(who identity.Identity, end func(error)) *watched {
	added := &watched{watch: w, who: who, end: end, until: who.Until}
	if who.Anonymous() {
		return added
	}
	w.mu.Lock()
	w.all[added] = struct{}{}
	w.mu.Unlock()
	if added.expired(time.Now()) { // on the way here
		end(outOfTime())
	}
	return added
}

// expired reports whether the token has run out. Its lock is the watch's, or nobody else has it yet.
func (o *watched) expired(now time.Time) bool { return !o.until.IsZero() && !now.Before(o.until) }

// during is a context that ends with the identity as well, and then has the reason as its cause.
// Leave must be called.
func (w *watch) during(ctx context.Context, who identity.Identity) (during context.Context, leave func()) {
	during, cancel := context.WithCancelCause(ctx)
	added := w.add(who, cancel)
	return during, func() {
		added.leave()
		cancel(nil)
	}
}

// leave ends the watch over one.
func (o *watched) leave() {
	o.watch.mu.Lock()
	defer o.watch.mu.Unlock()
	delete(o.watch.all, o)
}

func outOfTime() error { return problem.Explain(problem.ErrUnauthorized, "the token has expired") }

// renew says that the token was replaced by one that runs out at another time.
func (o *watched) renew(until time.Time) {
	o.watch.mu.Lock()
	defer o.watch.mu.Unlock()
	o.until = until
}

// run watches until ctx ends. Tokens have a goroutine of their own, so that a database that is
// slow to answer does not give them more time.
func (w *watch) run(ctx context.Context) {
	var asking sync.WaitGroup
	defer asking.Wait()
	asking.Go(func() { w.askAgain(ctx) })
	beat := time.NewTicker(expiryBeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-beat.C:
			w.expire(now)
		}
	}
}

// expire ends those whose tokens have run out. To look at all of ten thousand takes less than a
// millisecond.
func (w *watch) expire(now time.Time) {
	for _, o := range w.members(func(o *watched) bool { return o.expired(now) }) {
		o.end(outOfTime())
	}
}

// endLogin ends those of one login, which is over. They would learn of it from the log, and do on
// other nodes, but only if they follow something.
func (w *watch) endLogin(session string) {
	for _, o := range w.members(func(o *watched) bool { return o.who.Login == session }) {
		o.end(problem.ErrUnauthorized)
	}
}

// members are those of whom something is true.
func (w *watch) members(is func(*watched) bool) []*watched {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []*watched
	for o := range w.all {
		if is(o) {
			found = append(found, o)
		}
	}
	return found
}

// askAgain asks about all identities once a minute, until ctx ends.
func (w *watch) askAgain(ctx context.Context) {
	next := time.NewTimer(askAgainAfter)
	defer next.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		err := w.ask(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			w.log.Warn("identities cannot be looked up again; they are kept for now", "err", err)
		}
		failing = err != nil
		if failing {
			next.Reset(askAgainSoon)
		} else {
			next.Reset(askAgainAfter)
		}
	}
}

// ask ends those who are not any more who they were when they came. Sockets of one login are
// asked about together.
func (w *watch) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	groups := map[notifier.Follower][]*watched{}
	for _, o := range w.members(func(*watched) bool { return true }) {
		groups[o.who.Follower()] = append(groups[o.who.Follower()], o)
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
