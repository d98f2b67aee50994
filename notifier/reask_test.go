package notifier_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
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
	passed     int           // questions answered since it was shut
	shut       chan struct{} // nil: it is open
}

// ask does not heed its context: however long the machine takes to bring the other queries here, those that
// wait stay in flight.
func (s *turnstile) ask(_ context.Context, questions []notifier.Question) ([]notifier.Grant, error) {
	s.mu.Lock()
	s.busy++
	s.most = max(s.most, s.busy)
	shut := s.shut
	s.mu.Unlock()
	if shut != nil {
		<-shut
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
	s.passed += len(questions)
	return make([]notifier.Grant, len(questions)), nil
}

func (s *turnstile) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut, s.most, s.passed = make(chan struct{}), 0, 0
}

func (s *turnstile) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut != nil {
		close(s.shut)
		s.shut = nil
	}
}

func (s *turnstile) inFlight() (busy, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busy, s.most
}

func (s *turnstile) answered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.passed
}

// TestAccessQueriesInFlightAreBounded has two hundred subscribe while no access query is answered, and then has access
// to all their topics asked again: the database has only so many to work on at a time, whoever asks.
func TestAccessQueriesInFlightAreBounded(t *testing.T) {
	t.Parallel()
	const followers, connections, again = 200, 12, 4
	db := schematest.New(t, schematest.CoreOnly)
	queries := &turnstile{}
	n := startNodeWith(t, db.URL, openRules{ask: queries.ask}, notifier.Options{}, func(c *pgxpool.Config) { c.MaxConns = connections })
	t.Cleanup(queries.open)
	conn := db.Conn(t)
	full := func(what string, limit int) {
		t.Helper()
		eventually(t, what, func() bool { busy, _ := queries.inFlight(); return busy >= limit })
		for range 50 { // if there were no limit, more would come in the meantime
			run(t, conn, `SELECT 1`)
		}
		queries.open()
	}
	bounded := func(what string, limit int) {
		t.Helper()
		if _, most := queries.inFlight(); most > limit {
			t.Errorf("%s: %d in flight, want at most %d", what, most, limit)
		}
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
	full("subscribing", connections/2)
	following.Wait()
	bounded("subscribing", connections/2)
	queries.close()
	db.Exec(t, `SELECT rowcall.revalidate('root' || i || '/1') FROM generate_series(0, $1::int - 1) AS i`, followers)
	full("asking again", again)
	eventually(t, "access to all topics is asked again", func() bool { return queries.answered() >= followers })
	bounded("asking again", again)
}

// TestAQuestionWithoutAnAnswerPausesItsTopicAlone has one of two topics of the same root whose access cannot
// be asked: its follower waits and loses nothing, and the follower of the other one goes on.
func TestAQuestionWithoutAnAnswerPausesItsTopicAlone(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	var unfit atomic.Bool
	ask := func(_ context.Context, questions []notifier.Question) ([]notifier.Grant, error) {
		grants := make([]notifier.Grant, len(questions))
		for i, q := range questions {
			if q.Topic == "room/1" && unfit.Load() {
				grants[i].Err = errors.New("the statement does not fit")
			}
		}
		return grants, nil
	}
	n := startNode(t, db.URL, openRules{ask: ask}, notifier.Options{})
	waits, goesOn := follow(t, n, notifier.Request{}, "room/1"), follow(t, n, notifier.Request{}, "room/2")
	unfit.Store(true)
	if _, err := tryFollow(t, n, notifier.Request{}, "room/1"); !errors.Is(err, notifier.ErrUnavailable) {
		t.Errorf("following: %v, want ErrUnavailable", err)
	}
	db.Exec(t, `SELECT rowcall.revalidate('room')`)
	publish(t, db, "room/1", `1`)
	publish(t, db, "room/2", `2`)
	if got := goesOn.data(1); got[0] != `2` {
		t.Errorf("room/2 received %s, want 2", got)
	}
	if taken, err := waits.sub.Take(64); err != nil || len(taken.Events) > 0 {
		t.Errorf("room/1 received %v, %v before its access was answered", taken.Events, err)
	}
	unfit.Store(false)
	if got := waits.data(1); got[0] != `1` {
		t.Errorf("room/1 received %s, want 1", got)
	}
}
