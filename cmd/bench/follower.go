package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
)

// openRules let everybody follow everything.
type openRules struct{}

var _ notifier.Rules = openRules{}

func (openRules) Ask(_ context.Context, asked []notifier.Question) ([]notifier.Grant, error) {
	return make([]notifier.Grant, len(asked)), nil
}

func (openRules) State(context.Context, pgx.Tx, notifier.Question) (json.RawMessage, bool, error) {
	return nil, false, notifier.ErrNoSnapshot
}

// follower is a feed with one live subscriber of all writers' rooms, which keeps what arrives.
type follower struct {
	feed *notifier.Feed
	sub  *notifier.Subscription
	wake chan struct{}
	stop func() error

	taken []arrival
}

// arrival is what one look brought.
type arrival struct {
	at     time.Time
	events []*notifier.Event
}

// follow starts a feed and subscribes.
func follow(ctx context.Context, url string, rooms int, ring notifier.RingMode) (*follower, error) {
	direct, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	f := &follower{wake: make(chan struct{}, 1)}
	f.feed = notifier.New(dbconn.To(direct, dbconn.Direct), dbconn.Over(pool), openRules{}, notifier.Options{Ring: ring, Logger: silent()})
	running, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- f.feed.Run(running) }()
	f.stop = func() error {
		cancel()
		err := <-done
		pool.Close()
		return err
	}
	if err := f.subscribe(ctx, rooms); err != nil {
		return nil, errors.Join(err, f.stop())
	}
	return f, nil
}

func (f *follower) subscribe(ctx context.Context, rooms int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-f.feed.Ready():
	case <-ctx.Done():
		return fmt.Errorf("waiting for the feed: %w", ctx.Err())
	}
	var topics []topic.Topic
	for n := range rooms {
		topics = append(topics, topic.Topic(fmt.Sprintf("room/%d", base+n)))
	}
	sub, _, err := f.feed.Subscribe(ctx, notifier.Request{Topics: topics, Wake: f.awake})
	f.sub = sub
	return err
}

func (f *follower) awake() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// collect takes what arrives until there are as many events as wanted says, once it says so.
func (f *follower) collect(ctx context.Context, wanted <-chan int64) error {
	var have, want int64 = 0, -1
	for want < 0 || have < want {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d events have arrived: %w", have, want, ctx.Err())
		case want = <-wanted:
			wanted = nil
		case <-f.wake:
		}
		n, err := f.take()
		if err != nil {
			return err
		}
		have += n
	}
	return nil
}

// take keeps what waits. To look into it can wait until nobody is measuring.
func (f *follower) take() (n int64, err error) {
	for {
		taken, err := f.sub.Take(1000)
		switch {
		case err != nil:
			return n, fmt.Errorf("following: %w", err)
		case taken.Reset != nil:
			return n, fmt.Errorf("following: reset, %s", taken.Reset.Reason)
		case len(taken.Events) == 0:
			return n, nil
		}
		n += int64(len(taken.Events))
		f.taken = append(f.taken, arrival{time.Now(), taken.Events})
	}
}

// check compares what arrived with what the writers committed: every message, once, in order.
func (f *follower) check(from, to []int64) error {
	next := slices.Clone(from)
	for _, a := range f.taken {
		for _, e := range a.events {
			w, n, err := parseLine(e)
			if err != nil {
				return err
			}
			if next[w]++; n != next[w] {
				return fmt.Errorf("writer %d: message %d arrived where %d was due", w, n, next[w])
			}
		}
	}
	if !slices.Equal(next, to) {
		return fmt.Errorf("messages arrived up to %v, were written up to %v", next, to)
	}
	return nil
}

func parseLine(e *notifier.Event) (writer int, n int64, err error) {
	var data struct{ Message string }
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return 0, 0, fmt.Errorf("reading event %d: %w", e.ID, err)
	}
	if _, err := fmt.Sscan(data.Message, &writer, &n); err != nil {
		return 0, 0, fmt.Errorf("reading event %d: %w", e.ID, err)
	}
	return writer, n, nil
}

// ages are how old events were, counted from their statements, when they arrived.
func (f *follower) ages(since time.Time) []time.Duration {
	var all []time.Duration
	for _, a := range f.taken {
		for _, e := range a.events {
			if e.Time.After(since) {
				all = append(all, a.at.Sub(e.Time))
			}
		}
	}
	return all
}
