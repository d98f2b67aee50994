package api

import (
	"sync"

	"rowcall/notifier"
)

// takesPerCall bounds how much of a queue one Take of a filtered subscription tests before others have their turn.
const takesPerCall = 4

// plainSubscription is a subscription without a filter.
type plainSubscription struct{ *notifier.Subscription }

func (plainSubscription) mark() cursorMark { return "" }
func (plainSubscription) passed() string   { return "" }

// filteredSubscription hands out what its filter lets through. All cursors that it hands out have its mark.
//
// Its Take tests the events on the goroutine of the reader, so that a filter slows nobody but its followers.
type filteredSubscription struct {
	*notifier.Subscription
	shared  *sharedFilter
	wake    func()
	release func() // gives the shared filter back, once

	behind string // see passed; only the reader's goroutine uses it
}

func newFilteredSubscription(sub *notifier.Subscription, shared *sharedFilter, table *filterTable, wake func()) *filteredSubscription {
	return &filteredSubscription{
		Subscription: sub, shared: shared, wake: wake, release: sync.OnceFunc(func() { table.release(shared) }),
	}
}

func (s *filteredSubscription) mark() cursorMark { return s.shared.mark }

// passed returns the cursor behind the events that were left out since the last one that was handed out; empty if there
// are none.
func (s *filteredSubscription) passed() string { return s.behind }

// Take is notifier.Subscription's. The error may also be problem.ErrFilter: the filter does not fit the columns any more.
//
// An event that has other columns than the filter becomes a reset, also for the events that were taken with it: the
// follower reads the rows again, with the columns that there are then.
func (s *filteredSubscription) Take(max int) (notifier.Taken, error) {
	if err := s.shared.keepUp(); err != nil {
		return notifier.Taken{}, err
	}
	for range takesPerCall {
		taken, err := s.Subscription.Take(max)
		if err != nil || takenNothing(taken) {
			return taken, err
		}
		if taken.Reset != nil {
			return s.resetAt(*taken.Reset), nil
		}
		heard, fits := s.test(taken.Events)
		switch {
		case !fits:
			return s.resetAt(notifier.Reset{Reason: notifier.ResetSchema, Cursor: s.Cursor(), Topics: s.Topics()}), nil
		case len(heard) > 0:
			return notifier.Taken{Events: heard}, nil
		}
	}
	s.wake() // there may be more
	return notifier.Taken{}, nil
}

// resetAt returns a reset with a cursor that has the mark.
func (s *filteredSubscription) resetAt(r notifier.Reset) notifier.Taken {
	s.behind = ""
	r.Cursor = s.mark().mark(r.Cursor)
	return notifier.Taken{Reset: &r}
}

// test returns what the follower hears of events. It reports false if one of them has other columns than the filter.
func (s *filteredSubscription) test(events []*notifier.Event) (heard []*notifier.Event, fits bool) {
	for _, e := range events {
		told, fits := s.shared.hear(e)
		switch {
		case !fits:
			return nil, false
		case told != nil:
			heard, s.behind = append(heard, told), ""
		default:
			s.behind = s.mark().mark(e.Cursor())
		}
	}
	return heard, true
}

// Close ends the subscription. It may be called more than once.
func (s *filteredSubscription) Close() {
	s.Subscription.Close()
	s.release()
}
