package identity

import (
	"context"
	"errors"
	"testing"
	"time"

	"rowcall/api/apitest"
	"rowcall/api/problem"
	"rowcall/schema/schematest"
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

// TestLoginsEndByTheDatabasesClock logs in at nodes whose clocks are five days behind the database's and ahead of it.
func TestLoginsEndByTheDatabasesClock(t *testing.T) {
	t.Parallel()
	for _, clock := range []string{"5 days", "-5 days"} {
		t.Run(clock, func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t)
			db.Exec(t, `INSERT INTO users (id, username, password) VALUES (1, 'alice', '`+apitest.QuickHash+`')`)
			db.Exec(t, `CREATE SCHEMA shifted; GRANT USAGE ON SCHEMA shifted TO PUBLIC`)
			for _, name := range []string{"now", "clock_timestamp"} {
				db.Exec(t, `CREATE FUNCTION shifted.`+name+`() RETURNS timestamptz LANGUAGE sql STABLE
					AS $$ SELECT pg_catalog.`+name+`() + interval '`+clock+`' $$`)
			}
			db.Exec(t, `ALTER DATABASE `+db.Name+` SET search_path = shifted, pg_catalog, public`)
			pool := db.ServerPool(t)
			s := openAccountsServerOn(t, db, pool, Options{Login: LoginOptions{Idle: time.Hour, Lifetime: 90 * time.Minute}})
			cookie := s.login(t, "alice")
			expect := func(when string, minutes int) {
				t.Helper()
				var left int
				err := pool.QueryRow(t.Context(), `SELECT extract(epoch FROM expires_at - now())::int / 60 FROM rowcall.sessions`).Scan(&left)
				if err != nil || left > minutes || left < minutes-10 {
					t.Errorf("%s the login lasts %d more minutes, %v, want %d", when, left, err, minutes)
				}
				if _, err := s.identify(t, cookie); err != nil {
					t.Errorf("%s the login is refused: %v", when, err)
				}
			}
			expect("at first", 60)
			db.Exec(t, `UPDATE rowcall.sessions SET expires_at = now() + interval '15 minutes'`)
			if _, err := s.identify(t, cookie); err != nil {
				t.Errorf("a login that is nearly over is refused: %v", err)
			}
			expect("after its use", 60)
		})
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
