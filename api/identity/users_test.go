package identity

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
)

func TestUsersTableOfAnyName(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE SCHEMA "O'Dd";
		CREATE TABLE "O'Dd"."us""ers; drop" ("The ID" uuid PRIMARY KEY, "select" text, "pass""word" text, "Active?" boolean);
		INSERT INTO "O'Dd"."us""ers; drop" VALUES ('00000000-0000-0000-0000-00000000000a', 'alice', '`+pythonHash+`', true)`)
	s := openAccountsServerOn(t, db, db.Pool(t), Options{Users: UsersTable{
		Table: `O'Dd.us"ers; drop`, ID: "The ID", Username: "select", Password: `pass"word`, Active: "Active?", Staff: "-",
	}})
	got := s.send("POST", "/api/login", apitest.Credentials("alice", strings.Repeat("p", 200)), "")
	var text bytes.Buffer
	_, _ = text.ReadFrom(got.Body)
	want := `{"user":{"id":"00000000-0000-0000-0000-00000000000a","username":"alice","is_staff":false}}` + "\n"
	if got.StatusCode != 200 || text.String() != want {
		t.Fatalf("%d %s", got.StatusCode, text.String())
	}
	who, err := s.identify(t, got.Cookies()[0].String())
	if err != nil || who.User != "00000000-0000-0000-0000-00000000000a" {
		t.Errorf("%+v, %v", who, err)
	}
	now, err := s.accounts.Current(t.Context(), []notifier.Follower{who.Follower()})
	if err != nil || !now[0].Valid {
		t.Errorf("%+v, %v", now, err)
	}
}

func TestUsersTableIsCheckedAtStart(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	pool := db.Pool(t)
	for want, table := range map[string]UsersTable{
		"there is no such table":    {Table: "people"},
		"auth.users.table names it": {Table: "users; drop table users"},
		"there is no column key":    {ID: "key"},
		"u.login does not exist":    {Username: "login"},
		"u.pass does not exist":     {Password: "pass"},
		"COALESCE":                  {Active: "username"}, // no boolean
		"u.is_super does not exist": {Staff: "is_super"},
	} {
		_, err := New(t.Context(), dbconn.Over(pool), doortest.Open(t, door.Options{}), Options{Users: table})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", table, err)
		}
	}
}

// The rights of the server's role suffice for accounts, and are no more than needed.
func TestAccountsNeedOnlyTheServersRole(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	db.Exec(t, `INSERT INTO users (id, username, password) VALUES (1, 'alice', '`+apitest.QuickHash+`')`)
	pool := db.ServerPool(t)
	s := openAccountsServerOn(t, db, pool, Options{Login: LoginOptions{Idle: time.Hour}})
	cookie, f := s.login(t, "alice"), s.follower(t, "alice")
	if now, err := s.accounts.Current(t.Context(), []notifier.Follower{f}); err != nil || !now[0].Valid {
		t.Errorf("current: %+v, %v", now, err)
	}
	if err := s.accounts.store.deleteExpired(t.Context()); err != nil {
		t.Error(err)
	}
	if got := s.send("POST", "/api/logout", "", cookie); got.StatusCode != 204 {
		t.Errorf("logout: %d", got.StatusCode)
	}
	if _, err := pool.Exec(t.Context(), `UPDATE users SET is_staff = true`); err == nil {
		t.Error("the server's role may change users")
	}
}
