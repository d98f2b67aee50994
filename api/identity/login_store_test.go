package identity

import (
	"context"
	"errors"
	"testing"
	"time"

	"rowcall/api/apitest"
	"rowcall/api/problem"
	"rowcall/testdeadline"
)

func TestIdleSessionsEnd(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{Login: LoginOptions{Idle: time.Hour, Lifetime: 90 * time.Minute}})
	cookie := s.login(t, "alice")
	left := func() (minutes int) {
		err := s.pool.QueryRow(t.Context(), `SELECT extract(epoch FROM expires_at - now())::int / 60 FROM rowcall.sessions`).Scan(&minutes)
		if err != nil {
			t.Fatal(err)
		}
		return minutes
	}
	if n := left(); n < 58 || n > 60 {
		t.Errorf("%d minutes at login", n)
	}
	s.db.Exec(t, `UPDATE rowcall.sessions SET expires_at = now() + interval '10 minutes'`)
	if _, err := s.identify(t, cookie); err != nil {
		t.Fatal(err)
	}
	if n := left(); n < 58 || n > 60 {
		t.Errorf("%d minutes after use", n)
	}
	s.db.Exec(t, `UPDATE rowcall.sessions SET expires_at = now() - interval '1 second'`)
	if _, err := s.identify(t, cookie); !errors.Is(err, problem.ErrUnauthorized) {
		t.Errorf("an idle session is %v", err)
	}
}

func TestUseDoesNotOutliveTheLifetime(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{Login: LoginOptions{Idle: time.Hour, Lifetime: 30 * time.Minute}})
	cookie := s.login(t, "alice")
	s.db.Exec(t, `UPDATE rowcall.sessions SET expires_at = now() + interval '1 minute'`)
	if _, err := s.identify(t, cookie); err != nil {
		t.Fatal(err)
	}
	var late bool
	err := s.pool.QueryRow(t.Context(), `SELECT expires_at > now() + interval '30 minutes' FROM rowcall.sessions`).Scan(&late)
	if err != nil || late {
		t.Errorf("late %v, %v", late, err)
	}
}

func TestRunDeletesExpiredSessions(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{})
	s.login(t, "alice")
	s.login(t, "bob")
	s.db.Exec(t, `UPDATE rowcall.sessions SET expires_at = now() WHERE user_id = '1'`)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.accounts.Run(ctx) }()
	eventually(t, func() bool { return s.db.Psql(t, `SELECT user_id FROM rowcall.sessions`) == "2" })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// eventually waits for a condition that a goroutine brings about.
func eventually(t *testing.T, reached func() bool) {
	t.Helper()
	deadline := time.After(testdeadline.Hang())
	for !reached() {
		select {
		case <-deadline:
			t.Fatal("waited in vain")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// The end of a login is filed in the log for the sockets of its user.
func TestTheEndOfASessionIsFiled(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(s *accountsServer, cookie string){
		"logout": func(s *accountsServer, cookie string) { s.send("POST", "/api/logout", "", cookie) },
		"expiry": func(s *accountsServer, _ string) {
			s.db.Exec(t, `UPDATE rowcall.sessions SET expires_at = now()`)
			if err := s.accounts.store.deleteExpired(t.Context()); err != nil {
				t.Error(err)
			}
		},
		"another login of the same browser": func(s *accountsServer, cookie string) {
			s.send("POST", "/api/login", apitest.Credentials("bob", "secret"), cookie)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := openAccountsServer(t, Options{})
			cookie := s.login(t, "alice")
			end(s, cookie)
			filed := s.db.Psql(t, `SELECT topic, data FROM rowcall.log WHERE type = 'rowcall.access'`)
			if filed != `|{"user_id":"1"}` {
				t.Errorf("filed %q", filed)
			}
		})
	}
}
