package notifier_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// restlessRules put access to room in question again each time it is asked about, and answer only
// after the node has noticed.
type restlessRules struct {
	openRules
	t  *testing.T
	db *schematest.Database

	mu      sync.Mutex // guards witness, also while an event is taken from it
	witness *reader    // follows another topic, and hears of each question; nil: access is not put in question
}

func (r *restlessRules) Ask(ctx context.Context, questions []notifier.Question) ([]notifier.Grant, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.witness != nil && questions[0].Topic == "room" {
		r.db.Exec(r.t, `SELECT rowcall.revalidate('room'), rowcall.publish('witness', 'test', '0')`)
		r.witness.event()
	}
	return r.openRules.Ask(ctx, questions)
}

func (r *restlessRules) setWitness(witness *reader) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.witness = witness
}

// TestReadersGetOnWhileAccessIsAlwaysInQuestion puts access in question again before each answer. A
// subscribe succeeds all the same, and live events and those of a long replay come.
func TestReadersGetOnWhileAccessIsAlwaysInQuestion(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	rules := &restlessRules{t: t, db: db}
	n := startNode(t, db.URL, rules, notifier.Options{QueueEvents: 20, TailEvents: 1})
	start := follow(t, n, notifier.Request{}, "room").start.Cursor
	db.Exec(t, `SELECT rowcall.publish('room', 'test', to_json(i)) FROM generate_series(1, 100) AS i`)
	witness := follow(t, n, notifier.Request{}, "witness")
	rules.setWitness(witness)
	defer rules.setWitness(nil)

	replay := follow(t, n, notifier.Request{Since: start}, "room")
	if got := replay.data(100); !slices.Equal(got, numbers(1, 100)) {
		t.Errorf("the replay brought %v", got)
	}
	for i := 101; i <= 110; i++ {
		db.Exec(t, `SELECT rowcall.publish('room', 'test', to_json($1::int))`, i)
	}
	if got := replay.data(10); !slices.Equal(got, numbers(101, 110)) {
		t.Errorf("the live events were %v", got)
	}
}
