package notifier

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/topic"
)

// faultyRules have a fault in them.
type faultyRules struct{}

func (faultyRules) Ask(context.Context, []Question) ([]Grant, error) { panic("a fault") }

func (faultyRules) State(context.Context, pgx.Tx, Question) (json.RawMessage, bool, error) {
	panic("a fault")
}

// TestAFaultOfASubscribeLeavesNobodyRegistered has rules panic: whoever recovers from that has no subscription to close.
func TestAFaultOfASubscribeLeavesNobodyRegistered(t *testing.T) {
	t.Parallel()
	f := newFeed(faultyRules{}, Options{}, 20)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("there is no fault")
			}
		}()
		_, _, _ = f.Subscribe(t.Context(), Request{Topics: []topic.Topic{"room"}, Snapshot: true, Wake: func() {}})
	}()
	if left := len(f.hub.subscriptions()); left != 0 {
		t.Errorf("%d subscriptions are left", left)
	}
	if len(f.joins.line.roots) != 0 {
		t.Error("its place at the database is taken still")
	}
}
