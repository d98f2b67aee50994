package notifier

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/notifier/topic"
)

// Why Subscribe refuses, or a subscription ends. Every one names what the follower can do next.
var (
	ErrUnauthorized = errors.New("the identity is missing or no longer valid") // log in again
	ErrForbidden    = errors.New("the identity may not follow this topic")     // do not ask again
	ErrNotFound     = errors.New("there is no such topic")                     // do not ask again
	ErrBadCursor    = errors.New("the cursor is not one of ours")              // ask without it
	ErrSlow         = errors.New("the reader is too slow")                     // come back with the cursor
	ErrUnavailable  = errors.New("the log cannot be read at present")          // come back later
	ErrClosed       = errors.New("the subscription is closed")                 // it was closed by its owner
)

// Follower is who a subscription belongs to. The zero Follower is anonymous.
type Follower struct {
	User    string // user id in decimal; empty when anonymous
	Session string // which login it comes from, for Rules to look up again; opaque here
	Alias   string // what access events may say instead of User, of a login whose user a trigger does not know; empty: none
	Staff   bool
}

// Question asks whether, and as what, a follower may follow a topic.
type Question struct {
	Topic    topic.Topic
	Follower Follower
}

// Grant is the answer. Err is nil, ErrUnauthorized, ErrForbidden or ErrNotFound.
type Grant struct {
	Err   error
	Roles []string // what the follower may see besides events for everybody
}

// Rules answers what configuration decides. Both methods are asked from several goroutines.
type Rules interface {
	// Ask answers questions in their order, reading the database in snapshots taken after the call
	// began. It is asked of one subscriber at subscribe, and of all subscribers of a topic when
	// a trigger files an access event: it must answer many in few statements. The error means
	// that nothing could be answered; the feed asks again.
	Ask(ctx context.Context, questions []Question) ([]Grant, error)
	// State reads a topic's present state as a JSON array within tx, a read-only REPEATABLE READ
	// transaction. A topic without a configured snapshot yields ErrNoSnapshot.
	State(ctx context.Context, tx pgx.Tx, q Question) (json.RawMessage, error)
}

// ErrNoSnapshot says that a topic has no snapshot query.
var ErrNoSnapshot = errors.New("the topic has no snapshot")

// Options are the feed's settings; the zero value of each is its documented default.
type Options struct {
	QueueEvents  int           // events a subscription may have waiting; 1,000
	QueueBytes   int           // bytes a subscription may have waiting; 1 MiB; one event always fits
	QueuedBytes  int64         // bytes that may wait for all readers of the node together; past it those who hold most are ended; 512 MiB
	ReplayEvents int           // events a replay may deliver before a reset is cheaper; 10,000
	TailEvents   int           // recent events kept in memory; 20,000
	TailBytes    int           // bytes of them; 32 MiB
	Pullers      int           // replays read at a time; 4
	Sweep        time.Duration // how often a sleeping node looks all the same; 1 s
	PollBusy     time.Duration // interval of polls while writers do not ring, twice that while each finds many transactions; 4 ms
	PollIdle     time.Duration // interval it backs off to while only a long transaction is waited for; 50 ms
	RingBusy     int           // transactions a second above which writers stop ringing; 150
	RingQuiet    int           // transactions a second below which they ring again; 50
	Ring         RingMode      // whether writers ring; RingAuto
	Abandon      time.Duration // how long after the last node triggers go on filing events; 24 h
	Keep         time.Duration // how long events are kept at least; 24 h
	KeepBytes    int64         // what the log may take on disk, about, even where that is less than Keep; 1 GiB
	Retain       time.Duration // how often the log is looked after; 10 s
	Logger       *slog.Logger  // slog.Default()
}

// RingMode says whether writers ring NOTIFY.
type RingMode string

// The ring modes. Auto rings while it is cheap; never suits writers that use PREPARE TRANSACTION.
const (
	RingAuto   RingMode = "auto"
	RingAlways RingMode = "always"
	RingNever  RingMode = "never"
)

// Request says what to follow, and from where.
type Request struct {
	Topics   []topic.Topic // one for a socket; several share one order and one cursor
	Follower Follower
	Since    string  // resume after this cursor; empty: from now
	Snapshot bool    // read the first topic's state and go on from it; Since is then ignored
	Latest   string  // a field of data: a reader who falls behind gets the newest event per value of it, and skips the others; empty: every event
	Holder   *Holder // who is ended with the subscription where the node has to; nil: nobody
	Meter    Meter   // bounds what the replay may cost; nil: nobody does
	Wake     func()  // called, never blocking and from any goroutine, when Take has something new
}

// Start is where a subscription starts.
type Start struct {
	Cursor    string          // Since while a replay is still to come; else the cursor it is live from
	Recovered bool            // whether Since was of use; meaningless without Since
	Reason    ResetReason     // why it was not
	State     json.RawMessage // with Snapshot: the topic's state as a JSON array
	Roles     []string        // what access granted
}

// ResetReason says why a cursor is of no use.
type ResetReason string

// The reasons of a reset.
const (
	ResetExpired  ResetReason = "expired"  // retention has dropped what came after it
	ResetEpoch    ResetReason = "epoch"    // it belongs to another history of the log
	ResetOverflow ResetReason = "overflow" // more events than a replay may deliver
)

// Reset tells a subscriber in mid-subscription to drop its state, read the snapshot and go on from Cursor.
type Reset struct {
	Reason ResetReason
	Cursor string
}

// Health is what the feed knows of itself.
type Health struct {
	Listening bool      // LISTEN is confirmed
	Armed     bool      // asleep until a ring
	Ringing   bool      // writers ring at present
	PolledAt  time.Time // when the last poll succeeded
	Epoch     string
	Log       LogState // as retention last saw it
	Err       error    // what stands in the way; nil when ready
}

// Feed reads one database's log and serves it to subscriptions.
type Feed struct {
	options Options
	log     *slog.Logger
	direct  *pgx.ConnConfig
	pool    *pgxpool.Pool
	aside   *pgxpool.Pool // one connection, for the floor in the middle of a large batch; while Run runs
	rules   Rules

	pooled    atomic.Bool   // a pooler in between was noticed
	joins     chan struct{} // a place each for subscribes at the database: they must not take the whole pool
	hub       *hub
	pulls     *pulls
	load      *load
	questions *questions
	listener  *listener
	poller    *poller
	counts    counts
}

// New prepares a feed; Run starts it. direct says how to connect for LISTEN, polls and locks, past
// any pooler; pool serves access, state and replays.
func New(direct *pgx.ConnConfig, pool *pgxpool.Pool, rules Rules, o Options) *Feed {
	o = o.withDefaults()
	f := &Feed{options: o, log: o.Logger, direct: direct.Copy(), pool: pool, rules: rules}
	f.joins = make(chan struct{}, max(1, pool.Config().MaxConns/2))
	f.hub = newHub(&f.options)
	f.pulls = newPulls()
	f.load = newLoad(o.QueuedBytes)
	f.questions = newQuestions()
	f.poller = newPoller(f)
	f.listener = newListener(f)
	return f
}

// Run serves until ctx ends, through every fault of the database. It returns nil after ctx ends,
// and an error only for what no retry can mend, such as a database without Rowcall's schema.
func (f *Feed) Run(ctx context.Context) error {
	aside, err := openAside(ctx, f.pool, f.direct)
	if err != nil {
		return err
	}
	f.aside = aside
	defer aside.Close()
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { f.listener.run(ctx) })
	running.Go(func() { f.answer(ctx) })
	running.Go(func() { f.relieve(ctx) })
	running.Go(func() { f.retain(ctx) })
	for range f.options.Pullers {
		running.Go(func() { f.pullAll(ctx) })
	}
	err = f.poller.run(ctx)
	stop()
	running.Wait()
	return err
}

// Ready is closed when LISTEN is confirmed and the log has been polled after that.
func (f *Feed) Ready() <-chan struct{} { return f.poller.ready }

// Health reports the present state.
func (f *Feed) Health() Health { return f.poller.health() }

// Cursor is the node's position: everything up to it has been handed to its live subscriptions, and
// nothing after it. It is empty where that cannot be said: while a batch is being handed on, and
// while subscriptions are told that the log has a new history.
func (f *Feed) Cursor() string { return f.hub.bookmark() }

func (o Options) withDefaults() Options {
	o.QueueEvents = cmp.Or(o.QueueEvents, 1000)
	o.QueueBytes = cmp.Or(o.QueueBytes, 1<<20)
	o.QueuedBytes = cmp.Or(o.QueuedBytes, 512<<20)
	o.ReplayEvents = cmp.Or(o.ReplayEvents, 10_000)
	o.TailEvents = cmp.Or(o.TailEvents, 20_000)
	o.TailBytes = cmp.Or(o.TailBytes, 32<<20)
	o.Pullers = cmp.Or(o.Pullers, 4)
	o.Sweep = cmp.Or(o.Sweep, time.Second)
	o.PollBusy = cmp.Or(o.PollBusy, 4*time.Millisecond)
	o.PollIdle = cmp.Or(o.PollIdle, 50*time.Millisecond)
	o.RingBusy = cmp.Or(o.RingBusy, 150)
	o.RingQuiet = cmp.Or(o.RingQuiet, 50)
	o.Ring = cmp.Or(o.Ring, RingAuto)
	o.Abandon = cmp.Or(o.Abandon, 24*time.Hour)
	o.Keep = cmp.Or(o.Keep, 24*time.Hour)
	o.KeepBytes = cmp.Or(o.KeepBytes, 1<<30)
	o.Retain = cmp.Or(o.Retain, 10*time.Second)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return o
}
