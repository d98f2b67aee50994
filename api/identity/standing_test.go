package identity

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

func TestCurrentAnswersInOrder(t *testing.T) {
	t.Parallel()
	s := openAccountsServer(t, Options{})
	alice, bob, carol := s.follower(t, "alice"), s.follower(t, "bob"), s.follower(t, "carol")
	again := s.follower(t, "bob")
	s.db.Exec(t, `UPDATE users SET is_staff = (id = 1) WHERE id IN (1, 3)`)
	s.db.Exec(t, `DELETE FROM rowcall.sessions WHERE token_hash = decode('`+bob.Session+`', 'hex')`)
	for i, c := range []struct {
		f    notifier.Follower
		want Standing
	}{
		{carol, Standing{Valid: true}},              // staff no more
		{alice, Standing{Valid: true, Staff: true}}, // staff since
		{bob, Standing{}},                           // logged out
		{again, Standing{Valid: true}},              // his other session
		{alice, Standing{Valid: true, Staff: true}}, // a second socket
		{notifier.Follower{}, Standing{Valid: true}},
		{notifier.Follower{User: "2"}, Standing{Valid: true}}, // with a token, which says who is staff
		{notifier.Follower{User: "2", Staff: true}, Standing{Valid: true, Staff: true}},
		{notifier.Follower{User: "1"}, Standing{Valid: true}},
		{notifier.Follower{User: "4", Staff: true}, Standing{}}, // not active
		{notifier.Follower{User: "99"}, Standing{}},
		{notifier.Follower{User: "1'; --"}, Standing{}},
		{notifier.Follower{User: "99999999999999999999"}, Standing{}},
		{notifier.Follower{User: "2", Session: alice.Session}, Standing{}}, // another's session
		{notifier.Follower{User: "1", Session: "not hex"}, Standing{}},
	} {
		now, err := s.accounts.Current(t.Context(), []notifier.Follower{carol, c.f, {}})
		if err != nil || now[1] != c.want {
			t.Errorf("%d: %+v, %v; want %+v", i, now, err, c.want)
		}
	}
}

func TestCurrentAsksOnceForMany(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	db.Exec(t, `INSERT INTO users (username, password) SELECT 'u' || n, 'p' || n FROM generate_series(1, 5000) n;
		INSERT INTO rowcall.sessions SELECT sha256(id::text::bytea), id, convert_to(json_build_object('deadline', now(), 'values',
			json_build_object('user', id::text, 'seal', encode(sha256(password::bytea), 'hex')))::text, 'UTF8'), now() + interval '1 day'
		FROM users`)
	config, err := pgxpool.ParseConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	var sent schematest.Statements
	config.ConnConfig.Tracer = &sent
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := openAccountsServerOn(t, db, pool, Options{})
	followers := make([]notifier.Follower, 5000)
	for i := range followers {
		id := fmt.Sprint(i + 1)
		followers[i] = notifier.Follower{User: id, Session: loginName(id)}
	}
	sent.Count.Store(0)
	now, err := s.accounts.Current(t.Context(), followers)
	if err != nil {
		t.Fatal(err)
	}
	for i, standing := range now {
		if !standing.Valid {
			t.Fatalf("follower %d is not valid", i)
		}
	}
	if n := sent.Count.Load(); n > 2 {
		t.Errorf("%d statements", n)
	}
}
