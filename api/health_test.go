package api

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rowcall/api/apitest"
	"rowcall/notifier"
)

func TestReadiness(t *testing.T) {
	t.Parallel()
	good := notifier.Health{Listening: true, PolledAt: time.Now()}
	deaf := notifier.Health{PolledAt: time.Now()}
	for _, c := range []struct {
		name    string
		feed    notifier.Health
		polling bool
		pending bool
		err     error
		want    int
	}{
		{"all is well", good, false, false, nil, 200},
		{"not listening", deaf, false, false, nil, 503},
		{"polling by choice", deaf, true, false, nil, 200},
		{"not polled yet", notifier.Health{Listening: true}, false, false, nil, 503},
		{"the feed is in trouble", notifier.Health{Listening: true, PolledAt: time.Now(), Err: errors.New("host=secret")}, false, false, nil, 503},
		{"migrations wait", good, false, true, nil, 503},
		{"migrations unknown", good, false, false, errors.New("host=secret"), 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := NewHealth(HealthOptions{
				Feed:    func() notifier.Health { return c.feed },
				Pending: func(context.Context) (bool, error) { return c.pending, c.err },
				Polling: c.polling,
			})
			w := httptest.NewRecorder()
			h.Ready(w, apitest.Request("GET", "/readyz"))
			if w.Code != c.want {
				t.Errorf("status %d, want %d: %s", w.Code, c.want, w.Body)
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Errorf("the answer tells too much: %s", w.Body)
			}
			w = httptest.NewRecorder()
			if h.Alive(w, apitest.Request("GET", "/healthz")); w.Code != 200 {
				t.Errorf("alive: %d", w.Code)
			}
		})
	}
}

func TestReadinessAsksTheDatabaseSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked, pending := 0, true
		h := NewHealth(HealthOptions{
			Feed: func() notifier.Health { return notifier.Health{Listening: true, PolledAt: time.Now()} },
			Pending: func(context.Context) (bool, error) {
				asked++
				return pending, nil
			},
		})
		for range 10 {
			if h.readiness(t.Context()).Ready {
				t.Error("ready while migrations wait")
			}
		}
		pending = false
		synctest.Wait()
		time.Sleep(migrationCheckWait + time.Millisecond) // the bubble's clock
		if !h.readiness(t.Context()).Ready || asked != 2 {
			t.Errorf("asked %d times", asked)
		}
	})
}

func TestReadinessDoesNotWaitForAnotherQuestion(t *testing.T) {
	t.Parallel()
	entered, answer := make(chan struct{}), make(chan struct{})
	h := NewHealth(HealthOptions{
		Feed: func() notifier.Health { return notifier.Health{Listening: true, PolledAt: time.Now()} },
		Pending: func(context.Context) (bool, error) {
			close(entered)
			<-answer
			return false, nil
		},
	})
	first := make(chan bool)
	go func() { first <- h.readiness(t.Context()).Ready }()
	<-entered
	if h.readiness(t.Context()).Ready {
		t.Error("ready before anything is known")
	}
	close(answer)
	if !<-first {
		t.Error("the answer was lost")
	}
}
