package notifier

import (
	"cmp"
	"log/slog"
	"time"
)

// Options are the feed's settings. The zero value of each field stands for the default that its
// comment names last.
type Options struct {
	QueueEvents  int           // most events in the queue of one subscription; 1,000
	QueueBytes   int           // most bytes in the queue of one subscription; one event always fits; 1 MiB
	QueuedBytes  int64         // most bytes that wait for all readers of the node together; 512 MiB
	ReplayEvents int           // most events of one replay; a cursor further back gets a Reset; 10,000
	TailEvents   int           // recent events kept in memory; 20,000
	TailBytes    int           // bytes of recent events kept in memory; 32 MiB
	Pullers      int           // replay pages read at the same time; 4
	Sweep        time.Duration // interval of polls while the node sleeps until a ring; 1 s
	PollBusy     time.Duration // interval of polls while writers do not ring; twice that while polls find many transactions; 4 ms
	PollIdle     time.Duration // longest interval of polls while only a long transaction is waited for; 50 ms
	RingBusy     int           // transactions a second above which writers stop ringing; 150
	RingQuiet    int           // transactions a second below which writers ring again; 50
	Ring         RingMode      // whether writers ring; RingAuto
	Abandon      time.Duration // how long triggers go on filing events after the last node has stopped; 24 h
	Keep         time.Duration // how long events are kept at least; 24 h
	KeepBytes    int64         // about how many bytes the log may take on disk, even if that cuts Keep short; 1 GiB
	Retain       time.Duration // interval at which retention looks at the log; 10 s
	Logger       *slog.Logger  // slog.Default()
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
