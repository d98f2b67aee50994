package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// deliveryGoal is how many frames a second the subscribers of one topic should get together.
const deliveryGoal = 500_000

// load is a way in which events come to be.
type load struct {
	name    string
	writers int
	rows    int     // of a transaction
	window  int     // events that may be under way: less than the queue of a socket holds
	rate    float64 // events a second; 0: as many as the window lets
	goal    bool    // the goal is measured here
}

func (b *bench) loads() []load {
	return []load{
		{"600 a second, 1 row a transaction", b.writers, 1, 800, 600, false},
		{"as many as are read, 1 row a transaction", b.writers, 1, 400, 0, true},
		{"as many as are read, 100 rows a transaction", 1, 100, 400, 0, false},
	}
}

// outcome is what one round has brought.
type outcome struct {
	rate   float64 // deliveries a second
	merged float64 // frames a write
	bytes  float64 // a frame
}

// outcomes are those of the rounds of one load.
type outcomes struct{ rates, merged, bare, ratios []float64 }

// fanOut measures how many frames a second get from one topic to many sockets: the whole way from
// SQL, and beside it what a bare loop gets through that writes frames of the same length, the same
// number at a time, to as many connections with the same readers.
func fanOut(ctx context.Context, b *bench) error {
	b.say("\nfanout: %d sockets follow one room, their readers included; median of %d rounds of %v", b.sockets, b.fewRounds(), b.round)
	var least float64
	t := b.table("socket", "messages", "deliveries/s", "frames a write", "bare loop/s", "ratio", "least..most")
	for _, how := range protocols() {
		for _, from := range b.loads() {
			got, err := b.compare(ctx, how, from)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", how.name, from.name, err)
			}
			rate := median(got.rates)
			t.row(how.name, from.name, whole(rate), fmt.Sprintf("%.1f", median(got.merged)),
				whole(median(got.bare)), ratio(median(got.ratios)), spread(got.ratios))
			if from.goal && (least == 0 || rate < least) {
				least = rate
			}
		}
	}
	t.end()
	b.verdict("deliveries a second, 1 row a transaction", whole(least), whole(deliveryGoal), least >= deliveryGoal)
	return nil
}

// compare lets node and bare loop take turns.
func (b *bench) compare(ctx context.Context, how protocol, from load) (all outcomes, err error) {
	for range b.fewRounds() {
		got, err := b.deliver(ctx, how, from)
		if err != nil {
			return outcomes{}, err
		}
		l := loop{piece: piece(nearest(got.merged), nearest(got.bytes)), merged: int64(nearest(got.merged)), window: int64(from.window)}
		bare, err := l.measure(ctx, b)
		if err != nil {
			return outcomes{}, fmt.Errorf("bare loop: %w", err)
		}
		all.rates, all.merged = append(all.rates, got.rate), append(all.merged, got.merged)
		all.bare, all.ratios = append(all.bare, bare), append(all.ratios, got.rate/bare)
	}
	return all, nil
}

// fewRounds are enough where there are many forms, so that the whole run takes a few minutes.
func (b *bench) fewRounds() int { return max(1, b.rounds/3) }

// nearest is a whole number, and at least one.
func nearest(x float64) int { return max(1, int(x+0.5)) }

// deliver runs one round of a node. Every socket must get every event, once.
func (b *bench) deliver(ctx context.Context, how protocol, from load) (got outcome, err error) {
	n, err := startNode(ctx, b.url)
	if err != nil {
		return outcome{}, err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	readers, err := n.gather(ctx, how, b.sockets, b.room())
	if err != nil {
		return outcome{}, err
	}
	defer func() { err = errors.Join(err, readers.close()) }()
	p := newPress(b.room(), from, readers)
	if err := p.start(ctx, b.url); err != nil {
		return outcome{}, err
	}
	defer p.end(&err)
	pause(ctx, b.warmUp())
	got = n.watch(ctx, readers, b.round)
	return got, p.settle(ctx)
}

// watch counts for a while.
func (n *runningNode) watch(ctx context.Context, r *readers, d time.Duration) outcome {
	started, frames, bytes, writes := time.Now(), r.total.Load(), r.bytes.Load(), n.writes.Load()
	pause(ctx, d)
	delivered := float64(r.total.Load() - frames)
	return outcome{
		rate:   delivered / time.Since(started).Seconds(),
		merged: delivered / float64(max(1, n.writes.Load()-writes)),
		bytes:  float64(r.bytes.Load()-bytes) / max(1, delivered),
	}
}

// room is the one that no writer of the other measurements writes to.
func (b *bench) room() int { return base + b.writers }
