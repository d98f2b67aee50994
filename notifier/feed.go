package notifier

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"rowcall/notifier/dbconn"
)

// Feed reads one database's log and serves it to subscriptions.
type Feed struct {
	options Options
	log     *slog.Logger
	rules   Rules
	counts  *feedCounts
	hub     *hub
	load    *load
	pulls   *pullQueue
	pace    *pullPace
	reask   *reaskQueue
	host    *subscriptionHost

	pool      *dbconn.Pool
	reader    *logReader
	joins     *joinQueue
	connector *connector
	listener  *listener
	poller    *poller
	retention *retention
}

// New prepares a feed; Run starts it. direct says how to connect for LISTEN and polls, past any
// pooler. pool serves access, snapshots, replays and retention.
func New(direct *dbconn.Server, pool *dbconn.Pool, rules Rules, o Options) *Feed {
	f := newFeed(rules, o, pool.Size())
	f.pool = pool
	f.reader = &logReader{pool: pool}
	f.connector = newConnector(direct, f.log)
	wake := newSignal()
	f.listener = newListener(f.connector, f.log, wake.raise, f.hub.isFollowed)
	f.poller = newPoller(f, wake)
	f.retention = &retention{options: &f.options, log: f.log, pool: pool}
	return f
}

// newFeed makes the parts of a feed that need no database, for a pool of so many connections.
func newFeed(rules Rules, o Options, connections int) *Feed {
	o = o.withDefaults()
	o.Pullers = min(o.Pullers, max(1, connections/4))
	f := &Feed{options: o, rules: rules, counts: new(feedCounts), pace: new(pullPace)}
	f.pulls = newPullQueue(o.Pullers)
	f.joins = newJoinQueue(max(1, connections/2))
	f.reask = newReaskQueue(min(groupsAtOnce, max(1, connections/3)))
	f.log = f.options.Logger
	f.hub = newHub(&f.options)
	f.load = newLoad(f.options.QueuedBytes)
	f.host = &subscriptionHost{
		options: &f.options, counts: f.counts, load: f.load, queuePull: f.pulls.add, unregister: f.hub.unregister,
	}
	return f
}

func newPoller(f *Feed, wake signal) *poller {
	return &poller{
		options: &f.options, log: f.log, connector: f.connector, listener: f.listener,
		hub: f.hub, pulls: f.pulls, pullPace: f.pace, reask: f.reask, load: f.load,
		wake: wake, ready: make(chan struct{}),
		reading:      readingState{patience: silenceLimit},
		alive:        aliveKeeper{options: &f.options, log: f.log},
		unfollowable: newUnfollowableCount(&f.options, f.log),
		nextRound:    newPollRound(),
		largePoll:    newLargePoll(),
	}
}

// Run serves until ctx ends, through every fault of the database. It returns nil after ctx has
// ended, and an error only if no retry can help, for example if the database has no Rowcall schema.
func (f *Feed) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { f.listener.keepListening(ctx) })
	running.Go(func() { f.newReasker().keepAsking(ctx) })
	running.Go(func() { newCensus(f.load, f.hub.queues, f.log).keepUnderLimit(ctx) })
	running.Go(func() { f.retention.keepEmptying(ctx) })
	puller := f.newPuller()
	for range f.options.Pullers {
		running.Go(func() { puller.keepPulling(ctx) })
	}
	err := f.poller.keepPolling(ctx)
	stop()
	running.Wait()
	return err
}

func (f *Feed) newReasker() *reasker { return &reasker{rules: f.rules, log: f.log, queue: f.reask} }

func (f *Feed) newPuller() *puller {
	return &puller{
		options: &f.options, log: f.log, pool: f.pool, reader: f.reader, rules: f.rules,
		hub: f.hub, load: f.load, counts: f.counts, queue: f.pulls, pace: f.pace,
	}
}

// NewHolder registers a holder until it is closed. onShed is called at most once, from any
// goroutine; it must not block.
func (f *Feed) NewHolder(onShed func()) *Holder { return f.load.newHolder(onShed) }

// Ready is closed once LISTEN is confirmed and the log was polled after that.
func (f *Feed) Ready() <-chan struct{} { return f.poller.ready }

// Cursor is the node's place: everything up to it was queued for the live subscriptions, and
// nothing after it. It is empty while that cannot be said: while a poll is being handed on, and
// while subscriptions are told that the log has a new history.
func (f *Feed) Cursor() string { return f.hub.bookmark() }

// Health is what the feed knows about itself.
type Health struct {
	Listening bool      // LISTEN is confirmed
	Armed     bool      // the node sleeps until a ring
	Ringing   bool      // writers ring at present
	PolledAt  time.Time // when the last successful poll began
	Epoch     string
	Log       LogState // as retention last saw it
	Err       error    // what stands in the way; nil if the node is ready
}

// Health reports the present state.
func (f *Feed) Health() Health {
	status, listener := f.poller.lastStatus(), f.listener.stats().state
	h := Health{
		Listening: listener.Confirmed, Armed: status.armed, Ringing: status.ringing,
		PolledAt: status.polledAt, Epoch: status.epoch, Log: f.retention.lastState(), Err: status.err,
	}
	switch {
	case h.Err != nil:
	case h.PolledAt.IsZero():
		h.Err = errors.New("the log has not been polled yet")
	case !h.Listening && f.options.Ring != RingNever:
		h.Err = errors.Join(errors.New("LISTEN is not confirmed"), listener.Err)
	case time.Since(h.PolledAt) > silenceLimit:
		h.Err = errors.New("the log has not been polled for a while")
	}
	return h
}
