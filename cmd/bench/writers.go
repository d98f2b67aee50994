package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rowcall/notifier"
)

// keepGoal is the part of their rate that writers should keep while they do not ring.
const keepGoal = 0.65

// form is a way to write that is compared with others.
type form struct {
	name     string
	triggers bool
	ring     notifier.RingMode
}

func forms() []form {
	return []form{
		{"without triggers", false, notifier.RingAuto},
		{"with triggers, gate busy", true, notifier.RingAuto},
		{"with triggers, always ringing", true, notifier.RingAlways},
	}
}

// warmUp is how long things run before they are counted.
func (b *bench) warmUp() time.Duration { return min(b.round, 700*time.Millisecond) }

// writers measures what the triggers leave of the rate of many concurrent writers. The forms take
// turns, since what else the machine does changes all the time; a feed with a live subscriber
// follows in each, and must be brought every event of the writers, once and in their order.
func writers(ctx context.Context, b *bench) error {
	c, err := hire(ctx, b.url, b.writers)
	if err != nil {
		return err
	}
	defer c.dismiss()
	rates := make([][]float64, len(forms()))
	ratios := make([][]float64, len(forms()))
	var ages []time.Duration
	for n := range b.rounds {
		round := make([]float64, len(forms()))
		for i := range forms() {
			i = (i + n) % len(forms()) // no form always has the same one before it
			rate, aged, err := b.writeRound(ctx, c, forms()[i])
			if err != nil {
				return fmt.Errorf("%s: %w", forms()[i].name, err)
			}
			round[i] = rate
			if i == 1 {
				ages = append(ages, aged...)
			}
		}
		for i, rate := range round {
			rates[i], ratios[i] = append(rates[i], rate), append(ratios[i], rate/round[0])
		}
	}
	b.tellWriters(rates, ratios, ages)
	return b.setTriggers(ctx, true)
}

func (b *bench) tellWriters(rates, ratios [][]float64, ages []time.Duration) {
	b.say("\nwriters: %d concurrent writers of chat messages, a transaction each; median of %d rounds of %v", b.writers, b.rounds, b.round)
	t := b.table("", "transactions/s", "rate kept", "least..most")
	for i, f := range forms() {
		t.row(f.name, whole(median(rates[i])), ratio(median(ratios[i])), spread(ratios[i]))
	}
	t.end()
	kept := median(ratios[1])
	b.verdict("rate kept while the gate is busy", ratio(kept), ratio(keepGoal), kept >= keepGoal)
	b.say("  all events arrived live, once and in order; from the statement to the subscriber while busy: %s", percentiles(ages))
}

// writeRound writes for one round in one form and returns the transactions a second.
func (b *bench) writeRound(ctx context.Context, c *crew, how form) (rate float64, ages []time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.round+time.Minute)
	defer cancel()
	if err := b.setTriggers(ctx, how.triggers); err != nil {
		return 0, nil, err
	}
	f, err := follow(ctx, b.url, b.writers, how.ring)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	from := c.counts()
	wanted, collected := make(chan int64, 1), make(chan error, 1)
	go func() { collected <- f.collect(ctx, wanted) }()
	rate, since, err := b.writeFor(ctx, c, f, how)
	if err != nil {
		cancel()
		return 0, nil, errors.Join(err, <-collected)
	}
	to := from
	if how.triggers {
		to = c.counts()
	}
	wanted <- sum(to) - sum(from)
	if err := <-collected; err != nil {
		return 0, nil, err
	}
	f.sub.Close()
	return rate, f.ages(since), f.check(from, to)
}

// writeFor warms up and counts.
func (b *bench) writeFor(ctx context.Context, c *crew, f *follower, how form) (rate float64, since time.Time, err error) {
	shift := c.work(ctx)
	defer shift.end(&err)
	pause(ctx, b.warmUp())
	if how.triggers {
		if err := f.awaitGate(ctx, how.ring == notifier.RingAlways); err != nil {
			return 0, since, err
		}
	}
	since = time.Now()
	before := c.total()
	pause(ctx, b.round)
	rate = float64(c.total()-before) / time.Since(since).Seconds()
	if how.triggers && f.feed.Health().Ringing != (how.ring == notifier.RingAlways) {
		return 0, since, errors.New("the gate turned during the round")
	}
	return rate, since, ctx.Err()
}

// awaitGate waits until writers ring, or do not.
func (f *follower) awaitGate(ctx context.Context, ringing bool) error {
	for f.feed.Health().Ringing != ringing {
		if pause(ctx, 10*time.Millisecond); ctx.Err() != nil {
			return fmt.Errorf("waiting for the gate: %w", ctx.Err())
		}
	}
	return nil
}

// setTriggers switches the trigger of the chat's messages.
func (b *bench) setTriggers(ctx context.Context, on bool) error {
	statement := `ALTER TABLE chat_messages DISABLE TRIGGER "0_rowcall"`
	if on {
		statement = `ALTER TABLE chat_messages ENABLE ALWAYS TRIGGER "0_rowcall"`
	}
	return execute(ctx, b.url, statement)
}

func (c *crew) counts() []int64 {
	counts := make([]int64, len(c.count))
	for i := range c.count {
		counts[i] = c.count[i].Load()
	}
	return counts
}

func sum(of []int64) (total int64) {
	for _, n := range of {
		total += n
	}
	return total
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
