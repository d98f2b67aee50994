package notifier

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// TestALongReplayRestsBetweenItsPages reads a transaction of many pages while live events are said to be slowed down: its
// pages are taken out of the budget, and all of its events arrive.
func TestALongReplayRestsBetweenItsPages(t *testing.T) {
	t.Parallel()
	const events = 5000
	db := schematest.New(t, schematest.CoreOnly)
	direct, err := pgx.ParseConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	f := New(dbconn.To(direct, dbconn.Direct), dbconn.Over(db.Pool(t)), grantingRules{}, Options{QueueEvents: 200, TailEvents: 1})
	f.pace.rest, f.pace.polledAt = 1, time.Now().Add(time.Hour)
	ctx, stop := context.WithTimeout(t.Context(), testdeadline.Scale(time.Minute))
	running := make(chan error, 1)
	go func() { running <- f.Run(ctx) }()
	defer func() {
		stop()
		if err := <-running; err != nil {
			t.Error(err)
		}
	}()
	<-f.Ready()
	woken := newSignal()
	s, _, err := f.Subscribe(ctx, Request{Topics: []topic.Topic{"bulk"}, Wake: woken.raise})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	db.Exec(t, fmt.Sprintf(`INSERT INTO rowcall.log (slot, topic, type, data)
		SELECT 0, 'bulk', 'test', n::text FROM generate_series(1, %d) AS n`, events))
	for got := 0; got < events; {
		taken, err := s.Take(100)
		if err != nil || taken.Reset != nil || ctx.Err() != nil {
			t.Fatalf("after %d of %d events: reset %+v, %v, %v", got, events, taken.Reset, err, ctx.Err())
		}
		if got += len(taken.Events); len(taken.Events) > 0 {
			continue
		}
		select {
		case <-woken:
		case <-ctx.Done():
		}
	}
	f.pace.mu.Lock()
	defer f.pace.mu.Unlock()
	if f.pace.freeAt.IsZero() {
		t.Error("no page of the replay was taken out of the budget")
	}
}
