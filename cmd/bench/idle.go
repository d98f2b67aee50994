package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"time"
)

// idleGoal is the goroutines that an idle socket costs.
const idleGoal = 1

// spareFiles are for everything that is no socket.
const spareFiles = 300

// idle measures what a socket costs that follows a room in which nothing happens.
func idle(ctx context.Context, b *bench) error {
	sockets := min(b.idle, openFiles()/2) // both ends are in this process
	b.say("\nidle: %d sockets follow one room in which nothing happens", sockets)
	t := b.table("socket", "goroutines each", "heap each", "stack each")
	most := 0.0
	for _, how := range protocols() {
		used, err := b.hold(ctx, how, sockets)
		if err != nil {
			return fmt.Errorf("%s: %w", how.name, err)
		}
		n := float64(sockets)
		t.row(how.name, ratio(used.goroutines/n), kib(used.heap/n), kib(used.stack/n))
		most = max(most, used.goroutines/n)
	}
	t.end()
	if runtime.GOOS != "linux" {
		b.say("  the readers' own goroutines and memory are in these numbers")
		return nil
	}
	b.verdict("goroutines an idle socket costs", ratio(most), whole(idleGoal), nearest(most) <= idleGoal)
	return nil
}

// openFiles are those that the process may still open. Go has raised the soft limit already.
func openFiles() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 2000
	}
	return int(min(limit.Cur, 1<<20)) - spareFiles
}

// usage is what a process uses.
type usage struct{ goroutines, heap, stack float64 }

// hold opens the sockets and returns what they have added.
func (b *bench) hold(ctx context.Context, how protocol, sockets int) (used usage, err error) {
	n, err := startNode(ctx, b.url)
	if err != nil {
		return usage{}, err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	few, err := n.gather(ctx, how, 1, b.room()) // what the first socket makes for all
	if err != nil {
		return usage{}, err
	}
	defer func() { err = errors.Join(err, few.close()) }()
	before := settled(ctx)
	many, err := n.gather(ctx, how, sockets, b.room())
	if err != nil {
		return usage{}, err
	}
	defer func() { err = errors.Join(err, many.close()) }()
	after := settled(ctx)
	return usage{after.goroutines - before.goroutines, after.heap - before.heap, after.stack - before.stack}, nil
}

// settled is what is in use when nothing moves any more and garbage is gone.
func settled(ctx context.Context) usage {
	for range 3 {
		pause(ctx, 300*time.Millisecond)
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{float64(runtime.NumGoroutine()), float64(m.HeapAlloc), float64(m.StackInuse)}
}

func kib(bytes float64) string { return fmt.Sprintf("%.1f KiB", bytes/1024) }
