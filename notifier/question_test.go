package notifier

import (
	"errors"
	"slices"
	"testing"

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
	s, queue := live(newFeed(nil, Options{}))
	queue(1)
	s.pauseForAccess()
	checkTaken(t, "before the first question", s, 1)
	queue(2)
	s.pauseForAccess()
	queue(3)
	s.pauseForAccess()
	queue(4)
	checkTaken(t, "without an answer", s)
	if s.applyGrants(1, granted) || s.CaughtUp() {
		t.Error("the answer to the first of three questions counts for all")
	}
	checkTaken(t, "after the first answer", s, 2)
	queue(5)
	s.applyGrants(2, granted)
	checkTaken(t, "after the second answer", s, 3)
	s.applyGrants(1, granted)
	checkTaken(t, "after an old answer that comes late", s)
	if !s.applyGrants(3, granted) {
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
	s, queue := live(newFeed(nil, Options{}))
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
	s, queue := live(newFeed(nil, Options{}))
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
	s, _ := live(newFeed(nil, Options{}))
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
	f := newFeed(nil, Options{})
	follow := func(filed topic.Topic) *Subscription { return registered(f, "", filed) }
	q := newReaskQueue()
	q.add([]*Subscription{follow("a/1"), follow("b/1")})
	if groups := q.nextGroups(); len(groups) != 2 {
		t.Fatalf("%d groups, want 2", len(groups))
	}
	third := follow("c/1")
	q.add([]*Subscription{follow("a/2"), third, follow("b/2")})
	if groups := q.nextGroups(); len(groups) != 1 || !slices.Equal(groups[0].subs, []*Subscription{third}) {
		t.Fatalf("while a and b are being asked about, the groups are %v, want that of c", groups)
	}
	q.rootIsFree("a")
	if groups := q.nextGroups(); len(groups) != 1 || groups[0].root != "a" {
		t.Fatalf("after a's answer the groups are %v, want that of a", groups)
	}
}
