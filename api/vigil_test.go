package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// standings stand in for the database: the named users no longer hold.
type standings struct {
	asked   atomic.Int64
	away    atomic.Bool
	lapsed  atomic.Pointer[identity.Standing] // of user 2; nil: as it was
	hanging atomic.Bool
}

func (s *standings) current(ctx context.Context, followers []notifier.Follower) ([]identity.Standing, error) {
	s.asked.Add(1)
	if s.hanging.Load() {
		<-ctx.Done()
	}
	if s.away.Load() || ctx.Err() != nil {
		return nil, problem.ErrUnavailable
	}
	now := make([]identity.Standing, len(followers))
	for i, f := range followers {
		now[i] = identity.Standing{Valid: true, Staff: f.Staff}
		if lapsed := s.lapsed.Load(); lapsed != nil && f.User == "2" {
			now[i] = *lapsed
		}
	}
	return now, nil
}

// guardedSocket is a socket whose identity the vigil watches over.
type guardedSocket struct {
	*vigilEntry
	reason atomic.Pointer[error]
}

// ended returns why the socket was ended; nil if it was not.
func (g *guardedSocket) ended() error {
	if reason := g.reason.Load(); reason != nil {
		return *reason
	}
	return nil
}

func (s *standings) open(t *testing.T) *vigil {
	w := newVigil(s.current, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { w.run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

func (w *vigil) guarded(who identity.Identity) *guardedSocket {
	g := &guardedSocket{}
	g.vigilEntry = w.addIdentity(who, func(err error) { g.reason.Store(&err) })
	return g
}

// after lets time pass, and waits for what happens in it.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestTokensEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(standings).open(t)
		at := func(d time.Duration) identity.Identity {
			return identity.Identity{User: "1", Subject: "1", Until: time.Now().Add(d)}
		}
		soon, later, never := w.guarded(at(5*time.Second)), w.guarded(at(time.Hour)), w.guarded(identity.Identity{User: "1", Login: "ab"})
		renewed, gone := w.guarded(at(5*time.Second)), w.guarded(at(5*time.Second))
		after(3 * time.Second)
		renewed.renewUntil(time.Now().Add(time.Minute))
		gone.remove()
		if soon.ended() != nil {
			t.Error("it has ended too early")
		}
		after(4 * time.Second)
		if !errors.Is(soon.ended(), problem.ErrUnauthorized) || problem.FaultOf(soon.ended()).Close != 4401 {
			t.Errorf("ended with %v", soon.ended())
		}
		if later.ended() != nil || never.ended() != nil || renewed.ended() != nil || gone.ended() != nil {
			t.Error("others have ended")
		}
		after(time.Minute)
		if renewed.ended() == nil || later.ended() != nil {
			t.Error("the newer token counts in place of the older")
		}
	})
}

func TestIdentitiesAreLookedUpOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(standings)
		w := s.open(t)
		good, bad, twin := w.guarded(identity.Identity{User: "1", Login: "aa"}), w.guarded(identity.Identity{User: "2", Login: "bb"}), w.guarded(identity.Identity{User: "2", Login: "bb"})
		nobody := w.guarded(identity.Identity{})
		s.lapsed.Store(&identity.Standing{})
		after(50 * time.Second)
		if s.asked.Load() != 0 || bad.ended() != nil {
			t.Error("they are looked up too early")
		}
		after(11 * time.Second)
		if s.asked.Load() != 1 {
			t.Errorf("asked %d times", s.asked.Load())
		}
		for _, g := range []*guardedSocket{bad, twin} {
			if !errors.Is(g.ended(), problem.ErrUnauthorized) {
				t.Errorf("ended with %v", g.ended())
			}
		}
		if good.ended() != nil || nobody.ended() != nil {
			t.Error("others have ended")
		}
	})
}

func TestOtherRightsAskForAnotherConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(standings)
		w := s.open(t)
		promoted, demoted := w.guarded(identity.Identity{User: "2", Login: "aa"}), w.guarded(identity.Identity{User: "2", Login: "bb", Staff: true})
		s.lapsed.Store(&identity.Standing{Valid: true, Staff: true})
		after(time.Minute)
		if problem.FaultOf(promoted.ended()).Close != 1012 || demoted.ended() != nil {
			t.Errorf("promoted: %v, staff: %v", promoted.ended(), demoted.ended())
		}
		s.lapsed.Store(&identity.Standing{Valid: true})
		after(time.Minute)
		if f := problem.FaultOf(demoted.ended()); f.Close != 1012 || !f.Retryable {
			t.Errorf("demoted: %v", demoted.ended())
		}
	})
}

func TestIdentitiesAreKeptWithoutADatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(standings)
		w := s.open(t)
		bad, token := w.guarded(identity.Identity{User: "2", Login: "bb"}), w.guarded(identity.Identity{User: "1", Subject: "1", Until: time.Now().Add(65 * time.Second)})
		s.lapsed.Store(&identity.Standing{})
		s.away.Store(true)
		s.hanging.Store(true)
		after(67 * time.Second)
		if token.ended() == nil {
			t.Error("a database that hangs gives tokens more time")
		}
		after(10 * time.Minute)
		if bad.ended() != nil {
			t.Errorf("ended with %v", bad.ended())
		}
		s.hanging.Store(false)
		s.away.Store(false)
		after(16 * time.Second)
		if bad.ended() == nil {
			t.Error("nobody asks again")
		}
	})
}

func TestALogoutEndsItsOwnLogin(t *testing.T) {
	t.Parallel()
	w := newVigil(nil, nil)
	own, other := w.guarded(identity.Identity{User: "1", Login: "aa"}), w.guarded(identity.Identity{User: "1", Login: "bb"})
	ctx, leave := w.contextFor(t.Context(), identity.Identity{User: "1", Login: "aa"})
	defer leave()
	w.endLogin("aa")
	if own.ended() == nil || other.ended() != nil || !errors.Is(context.Cause(ctx), problem.ErrUnauthorized) {
		t.Errorf("own %v, other %v, stream %v", own.ended(), other.ended(), context.Cause(ctx))
	}
	leave()
	own.remove()
	other.remove()
	if len(w.all) != 0 {
		t.Errorf("%d are still looked after", len(w.all))
	}
}

// A stream that waits for the database does not try again after its token has expired.
func TestStreamsDoNotWaitLongerThanTheirToken(t *testing.T) {
	t.Parallel()
	st := openFakeFeedServer(t, Options{})
	st.feed.set(func(f *fakeFeed) { f.refuse = problem.ErrUnavailable })
	late := &admission{identity: identity.Identity{User: "1", Subject: "1", Until: time.Now()}}
	err := st.handlers.streams.subscribeAndSend(t.Context(), newStream(httptest.NewRecorder(), st.handlers.streams), late, streamRequest{topics: []topic.Topic{"dams"}})
	if !errors.Is(err, problem.ErrUnauthorized) || errors.Is(err, problem.ErrUnavailable) {
		t.Errorf("ended with %v", err)
	}
}
