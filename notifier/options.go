package notifier

import (
	"cmp"
	"log/slog"
	"time"

	"rowcall/notifier/topic"
)

// Options are the feed's settings. The zero value of each field stands for the default that is
// named behind it.
type Options struct {
	// The queue of one subscription holds at most so many events and bytes. One event always fits.
	QueueEvents int // 1,000
	QueueBytes  int // 1 MiB
	// QueuedBytes bounds what waits for all readers of the node together. Past it, the holders with
	// most of it are shed.
	QueuedBytes int64 // 512 MiB
	// A replay delivers at most so many events. A cursor further back gets a Reset, because reading
	// the state is cheaper.
	ReplayEvents int // 10,000
	// The tail keeps at most so many recent events and bytes in memory.
	TailEvents int // 20,000
	TailBytes  int // 32 MiB
	// Pullers is how many pages of replays are read at the same time. It is at most a quarter of the
	// pool's connections.
	Pullers int // 4

	// Sweep is the interval of polls while the node sleeps until a ring.
	Sweep time.Duration // 1 s
	// PollBusy is the rest between two polls while writers write and do not ring. The rest is shorter,
	// twice the time of the last poll, if that poll found events and took less than half of PollBusy.
	// After a poll that found many transactions it is five times the time of the poll, up to twice
	// PollBusy.
	PollBusy time.Duration // 4 ms
	// PollIdle is what the interval backs off to while only a long transaction is waited for.
	PollIdle time.Duration // 50 ms

	// Ring says whether writers ring.
	Ring RingMode // RingAuto
	// With RingAuto, writers stop ringing if they commit more than RingBusy transactions a second and
	// many commits wait for the lock that NOTIFY holds. They ring again at half the rate at which
	// they waited, and always below RingQuiet. If RingQuiet is negative, they never ring again.
	RingBusy  int // 150
	RingQuiet int // 50

	// Abandon is how long triggers go on filing events after the last node has stopped.
	Abandon time.Duration // 24 h
	// Keep is how long events are kept at least.
	Keep time.Duration // 24 h
	// KeepBytes is about how much the log may take on disk, even if that cuts Keep short.
	KeepBytes int64 // 1 GiB
	// Retain is the interval at which retention looks at the log.
	Retain time.Duration // 10 s

	// CanFollow reports whether the rules let anybody follow a topic or one above it. Events under other
	// topics are counted. The poller's goroutine calls it.
	CanFollow func(topic.Topic) bool // every topic can be followed

	Logger *slog.Logger // slog.Default()
}

// RingMode says whether writers ring, that is, whether they send NOTIFY.
type RingMode string

// The ring modes. With RingAuto writers ring while that is cheap. RingNever suits writers that use
// PREPARE TRANSACTION, which fails in a transaction that has sent NOTIFY.
const (
	RingAuto   RingMode = "auto"
	RingAlways RingMode = "always"
	RingNever  RingMode = "never"
)

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

// queueLimit bounds the queue of one subscription.
func (o *Options) queueLimit() sizeLimit { return sizeLimit{o.QueueEvents, o.QueueBytes} }

// refillLimit is half a queue. A subscription with no more than that waiting has room for the next
// page, and a page is no larger than that.
func (o *Options) refillLimit() sizeLimit { return sizeLimit{o.QueueEvents / 2, o.QueueBytes / 2} }

// tailLimit bounds the recent events kept in memory.
func (o *Options) tailLimit() sizeLimit { return sizeLimit{o.TailEvents, o.TailBytes} }
