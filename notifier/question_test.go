package notifier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rowcall/notifier/topic"
)

// live returns a live subscription of the feed, and what queues an event with this id for it.
func live(f *Feed) (s *Subscription, queue func(id int64)) {
	s = registered(f, "7", "room")
	return s, func(id int64) { s.queueLive(&logInterval{}, []*Event{{ID: id, Topic: "room"}}) }
}

// takenIDs takes all that may be taken, and returns the ids; 0 stands for a reset.
func takenIDs(t *testing.T, s *Subscription) []int64 {
	t.Helper()
	var ids []int64
	for {
		taken, err := s.Take(64)
		switch {
		case err != nil:
			return append(ids, -1)
		case taken.Reset != nil:
			ids = append(ids, 0)
		case len(taken.Events) == 0:
			return ids
		}
		for _, e := range taken.Events {
			ids = append(ids, e.ID)
		}
	}
}

func checkTaken(t *testing.T, when string, s *Subscription, want ...int64) {
	t.Helper()
	if got := takenIDs(t, s); !slices.Equal(got, want) {
		t.Errorf("%s: it took %v, want %v", when, got, want)
	}
}

// TestAnAnswerFreesWhatWasQueuedBeforeTheNextQuestion files three questions while the first is being
// answered. Each answer lets go what came before the question after it, and nothing else.
func TestAnAnswerFreesWhatWasQueuedBeforeTheNextQuestion(t *testing.T) {
	t.Parallel()
	granted := []Grant{{}}
	s, queue := live(newFeed(nil, Options{}, 20))
	queue(1)
	s.pauseForAccess()
	checkTaken(t, "before the first question", s, 1)
	queue(2)
	s.pauseForAccess()
	queue(3)
	s.pauseForAccess()
	queue(4)
	checkTaken(t, "without an answer", s)
	if s.applyGrants(1, granted); !s.isInQuestion() || s.CaughtUp() {
		t.Error("the answer to the first of three questions counts for all")
	}
	checkTaken(t, "after the first answer", s, 2)
	queue(5)
	s.applyGrants(2, granted)
	checkTaken(t, "after the second answer", s, 3)
	s.applyGrants(1, granted)
	checkTaken(t, "after an old answer that comes late", s)
	if s.applyGrants(3, granted); s.isInQuestion() {
		t.Error("the answer to the last question does not count")
	}
	checkTaken(t, "after the last answer", s, 4, 5)
	if !s.CaughtUp() {
		t.Error("it has not caught up")
	}
}

// TestAResetComesWhileAccessIsAsked resets a subscription whose access is in question: the reset is
// taken at once, and what comes after it when there is an answer.
func TestAResetComesWhileAccessIsAsked(t *testing.T) {
	t.Parallel()
	s, queue := live(newFeed(nil, Options{}, 20))
	s.pauseForAccess()
	queue(1)
	s.resetTo(ResetEpoch, cursor{}, "")
	queue(2)
	checkTaken(t, "without an answer", s, 0)
	s.applyGrants(1, []Grant{{}})
	checkTaken(t, "after the answer", s, 2)
}

// TestASlowReaderWithoutAnAnswerComesToAnEnd ends a subscription for which something waits for an
// answer: an ended subscription gets none.
func TestASlowReaderWithoutAnAnswerComesToAnEnd(t *testing.T) {
	t.Parallel()
	s, queue := live(newFeed(nil, Options{}, 20))
	queue(1)
	s.pauseForAccess()
	queue(2)
	s.endWith(ErrSlow)
	checkTaken(t, "after the end", s, 1, -1)
	if n, bytes := s.QueueSize(); n != 0 || bytes != 0 {
		t.Errorf("%d events and %d bytes wait after the end", n, bytes)
	}
}

// TestRolesAreThoseOfTheNewestAnswer applies two answers in the wrong order.
func TestRolesAreThoseOfTheNewestAnswer(t *testing.T) {
	t.Parallel()
	s, _ := live(newFeed(nil, Options{}, 20))
	s.pauseForAccess()
	s.pauseForAccess()
	s.applyGrants(2, []Grant{{}})
	s.applyGrants(1, []Grant{{Roles: []string{"owner"}}})
	if roles := s.grantedRoles(); len(roles) != 0 {
		t.Errorf("the roles are %v, want those of the second answer, which are none", roles)
	}
	s.applyGrants(1, []Grant{{Err: ErrForbidden}})
	if _, err := s.Take(1); !errors.Is(err, ErrForbidden) {
		t.Errorf("after a refusal it takes %v, want ErrForbidden", err)
	}
}

// TestAQuestionConcernsItsRootAlone has two roots asked about at a time, and questions of a third:
// the queue hands out only the third's.
func TestAQuestionConcernsItsRootAlone(t *testing.T) {
	t.Parallel()
	f := newFeed(nil, Options{}, 20)
	follow := func(filed topic.Topic) *Subscription { return registered(f, "", filed) }
	q := newReaskQueue(4)
	q.add([]*Subscription{follow("a/1"), follow("b/1")})
	first, _ := q.next()
	q.next()
	third := follow("c/1")
	q.add([]*Subscription{follow("a/2"), third, follow("b/2")})
	if _, subs := q.next(); !slices.Equal(subs, []*Subscription{third}) {
		t.Fatalf("while a and b are being asked about, the group is %v, want that of c", subs)
	}
	if turn, _ := q.next(); turn != nil {
		t.Fatalf("while all three are being asked about, there is the group of %s", turn.item.root)
	}
	q.line.done(first, outcomeServed)
	if turn, _ := q.next(); turn == nil || turn.item.root != first.item.root {
		t.Fatalf("after the answer for %s the turn is %+v, want one of the same root", first.item.root, turn)
	}
}

// stuckRules do not answer questions about room/3 while it is stuck, and none that come with them.
type stuckRules struct {
	grantingRules
	stuck atomic.Bool
}

func (r *stuckRules) Ask(ctx context.Context, questions []Question) ([]Grant, error) {
	bad := func(q Question) bool { return q.Topic == "room/3" }
	if r.stuck.Load() && slices.ContainsFunc(questions, bad) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return r.grantingRules.Ask(ctx, questions)
}

// TestASubscriptionThatIsStuckLeavesItsRootAlone has calls take too long that ask about one of the
// topics of a root. The others have their answers soon, and at once when they are asked about again.
func TestASubscriptionThatIsStuckLeavesItsRootAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rules := new(stuckRules)
		rules.stuck.Store(true)
		f := newFeed(rules, Options{Logger: slog.New(slog.DiscardHandler)}, 20)
		var subs []*Subscription
		for i := range 8 {
			subs = append(subs, registered(f, "", topic.Topic(fmt.Sprintf("room/%d", i))))
		}
		ctx, stop := context.WithCancel(t.Context())
		var asking sync.WaitGroup
		asking.Go(func() { f.newReasker().keepAsking(ctx) })
		defer asking.Wait()
		defer stop()
		stuck := subs[3]
		others := slices.Concat(subs[:3], subs[4:])
		ask := func() (waited time.Duration) {
			began := time.Now()
			for _, s := range subs {
				s.pauseForAccess()
			}
			f.reask.add(subs)
			synctest.Wait()
			for slices.ContainsFunc(others, (*Subscription).isInQuestion) {
				pass(10 * time.Millisecond)
			}
			return time.Since(began)
		}
		if waited := ask(); waited > 30*time.Second {
			t.Errorf("the others have their first answers after %v", waited)
		}
		if waited := ask(); waited > 0 {
			t.Errorf("asked again, they have their answers after %v, want at once", waited)
		}
		if !stuck.isInQuestion() {
			t.Error("the stuck subscription has an answer")
		}
		rules.stuck.Store(false)
		for stuck.isInQuestion() {
			pass(10 * time.Millisecond)
		}
		pass(maxPark)
		if n := len(f.reask.retrying) + len(f.reask.open); n > 0 {
			t.Errorf("%d entries are left in the queue", n)
		}
	})
}
