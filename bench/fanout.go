package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// deliveryGoal is how many frames a second the subscribers of one topic should get together.
const deliveryGoal = 500_000

// window is how many events may be under way, so that no queue of a socket overflows.
const window = 400

// load is a way in which events come to be.
type load struct {
	name    string
	writers int
	rows    int // of a transaction
}

func (b *bench) loads() []load {
	return []load{
		{fmt.Sprintf("%d writers, 1 row each", b.writers), b.writers, 1},
		{"4 writers, 10 rows each", 4, 10},
		{"1 writer, 100 rows each", 1, 100},
	}
}

// outcome is what one round has brought.
type outcome struct {
	rate   float64 // deliveries a second
	merged float64 // frames a write
	bytes  float64 // a frame
}

// fanOut measures how many frames a second get from one topic to many sockets: the whole way from
// SQL, and beside it what a bare loop gets through that writes frames of the same length, the same
// number at a time, to as many connections.
func fanOut(ctx context.Context, b *bench) error {
	b.say("\nfanout: %d sockets that follow one room, readers included; median of %d rounds of %v", b.sockets, b.rounds, b.round)
	best := 0.0
	t := b.table("", "", "deliveries/s", "frames a write", "bare loop/s", "ratio", "least..most")
	for _, how := range protocols() {
		for _, from := range b.loads() {
			rates, bare, ratios, merged, err := b.compare(ctx, how, from)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", how.name, from.name, err)
			}
			t.row(how.name, from.name, whole(median(rates)), fmt.Sprintf("%.1f", median(merged)), whole(median(bare)), ratio(median(ratios)), spread(ratios))
			best = max(best, median(rates))
		}
	}
	t.end()
	b.verdict("deliveries a second", best, deliveryGoal)
	return nil
}

// compare lets node and bare loop take turns.
func (b *bench) compare(ctx context.Context, how protocol, from load) (rates, bare, ratios, merged []float64, err error) {
	for range b.rounds {
		got, err := b.deliver(ctx, how, from)
		if err != nil {
			return nil, nil, nil, nil, err
		}
		loop, err := b.bareLoop(ctx, max(1, int(got.merged+0.5)), int(got.bytes+0.5))
		if err != nil {
			return nil, nil, nil, nil, fmt.Errorf("bare loop: %w", err)
		}
		rates, bare = append(rates, got.rate), append(bare, loop)
		ratios, merged = append(ratios, got.rate/loop), append(merged, got.merged)
	}
	return rates, bare, ratios, merged, nil
}

// deliver runs one round of a node.
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
	pause(ctx, warmUp)
	started, frames, bytes, writes := time.Now(), readers.total.Load(), readers.bytes.Load(), n.writes.Load()
	pause(ctx, b.round)
	elapsed := time.Since(started).Seconds()
	delivered := float64(readers.total.Load() - frames)
	got = outcome{
		rate:   delivered / elapsed,
		merged: delivered / float64(max(1, n.writes.Load()-writes)),
		bytes:  float64(readers.bytes.Load()-bytes) / max(1, delivered),
	}
	return got, p.settle(ctx)
}

// room is the one that no writer of the other measurements writes to.
func (b *bench) room() int { return base + b.writers }
