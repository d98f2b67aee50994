package notifier_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/notifier"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
)

// turnstile counts the access queries in flight, and lets none pass while it is shut.
type turnstile struct {
	mu         sync.Mutex // guards all below
	busy, most int
	shut       chan struct{} // nil: it is open
}

func (s *turnstile) ask(ctx context.Context, questions []notifier.Question) ([]notifier.Grant, error) {
	s.mu.Lock()
	s.busy++
	s.most = max(s.most, s.busy)
	shut := s.shut
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.busy--; s.mu.Unlock() }()
	if shut != nil {
		select {
		case <-shut:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return make([]notifier.Grant, len(questions)), nil
}

func (s *turnstile) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut, s.most = make(chan struct{}), 0
}

func (s *turnstile) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.shut)
	s.shut = nil
}

func (s *turnstile) inFlight() (busy, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busy, s.most
}

// TestAccessQueriesInFlightAreBounded has two hundred subscribe while no access query is answered, and then has access
// to all their topics asked again: the database has only so many to work on at a time, whoever asks.
func TestAccessQueriesInFlightAreBounded(t *testing.T) {
	t.Parallel()
	const followers, connections, again = 200, 12, 4
	db := schematest.New(t, schematest.CoreOnly)
	queries := &turnstile{}
	n := startNodeWith(t, db.URL, openRules{ask: queries.ask}, notifier.Options{}, func(c *pgxpool.Config) { c.MaxConns = connections })
	bounded := func(what string, limit int) {
		t.Helper()
		eventually(t, what, func() bool { busy, _ := queries.inFlight(); return busy == limit })
		for range 50 { // as many more as there could be have had the time
			db.Exec(t, `SELECT 1`)
		}
		if _, most := queries.inFlight(); most > limit {
			t.Errorf("%s: %d in flight, want %d", what, most, limit)
		}
		queries.open()
	}
	queries.close()
	var following sync.WaitGroup
	for i := range followers {
		following.Go(func() {
			if _, err := tryFollow(t, n, notifier.Request{}, topic.Topic(fmt.Sprintf("root%d/1", i))); err != nil {
				t.Errorf("following: %v", err)
			}
		})
	}
	bounded("subscribing", connections/2)
	following.Wait()
	queries.close()
	db.Exec(t, `SELECT rowcall.revalidate('root' || i || '/1') FROM generate_series(0, $1::int - 1) AS i`, followers)
	bounded("asking again", again)
}
