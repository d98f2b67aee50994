package notifier

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/topic"
)

// grantingRules let everybody follow everything.
type grantingRules struct{}

func (grantingRules) Ask(_ context.Context, asked []Question) ([]Grant, error) {
	return make([]Grant, len(asked)), nil
}

func (grantingRules) State(context.Context, pgx.Tx, Question) (json.RawMessage, bool, error) {
	return nil, false, ErrNoSnapshot
}

// feedAt returns a feed whose next poll finds the log at the snapshot.
func feedAt(t *testing.T, seen snapshot) *Feed {
	f := newFeed(grantingRules{}, Options{}, 20)
	f.poller = newPoller(f, newSignal())
	f.hub.beginRestart(anEpoch, seen)
	f.hub.endRestart()
	go func() {
		for {
			select {
			case <-t.Context().Done():
				return
			case <-f.poller.wake:
				f.poller.startRound()
				f.poller.releaseWaiters(pollStatus{})
			}
		}
	}()
	return f
}

// manyOpen is a snapshot while so many transactions are open.
func manyOpen(transactions uint64) snapshot {
	s := snapshot{xmin: 1_000_000, xmax: 1_000_000 + 100*transactions}
	for i := range transactions {
		s.xip = append(s.xip, s.xmin+100*i)
	}
	return s
}

// TestNobodyStartsWithoutACursorWhoNeedsOne subscribes while so many transactions are open that a
// cursor would be too long. A reader that comes back with cursors is refused.
func TestNobodyStartsWithoutACursorWhoNeedsOne(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		open      uint64
		resumable bool
		since     string
		want      error
	}{
		{600, true, "", nil},
		{900, true, "", ErrUnavailable},
		{900, true, "ffffffffffffffff.a.0", ErrUnavailable}, // of another epoch: the node's place counts
		{900, false, "", nil},
	} {
		f := feedAt(t, manyOpen(c.open))
		s, start, err := f.Subscribe(t.Context(), Request{Topics: []topic.Topic{"room"}, Since: c.since, Resumable: c.resumable, Wake: func() {}})
		if !errors.Is(err, c.want) || err == nil && c.resumable && start.Cursor == "" {
			t.Errorf("%d transactions, resumable %v, since %q: %v, with the cursor %q, want %v", c.open, c.resumable, c.since, err, start.Cursor, c.want)
		}
		if err == nil {
			s.Close()
		}
		if left := len(f.hub.subscriptions()); left != 0 {
			t.Errorf("%d subscriptions are left", left)
		}
	}
}

// TestAResetWithoutACursorEndsWhoNeedsOne resets subscriptions to a place that has no text.
func TestAResetWithoutACursorEndsWhoNeedsOne(t *testing.T) {
	t.Parallel()
	for _, resumable := range []bool{true, false} {
		s := registered(newFeed(nil, Options{}, 20), "", "room")
		s.resumable = resumable
		s.resetTo(ResetEpoch, cursorAfter(anEpoch, manyOpen(900)), "")
		taken, err := s.Take(1)
		if ended := errors.Is(err, ErrUnavailable); ended != resumable || !ended && taken.Reset == nil {
			t.Errorf("resumable %v: it took %+v, %v", resumable, taken, err)
		}
	}
}
