package api

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/door"
	"rowcall/notifier"
	"rowcall/schema/schematest"
)

func TestUsersTableOfAnyName(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE SCHEMA "O'Dd";
		CREATE TABLE "O'Dd"."us""ers; drop" ("The ID" uuid PRIMARY KEY, "select" text, "pass""word" text, "Active?" boolean);
		INSERT INTO "O'Dd"."us""ers; drop" VALUES ('00000000-0000-0000-0000-00000000000a', 'alice', '`+pythonHash+`', true)`)
	s := openSiteOn(t, db, db.Pool(t), AccountOptions{Users: UsersTable{
		Table: `O'Dd.us"ers; drop`, ID: "The ID", Username: "select", Password: `pass"word`, Active: "Active?", Staff: "-",
	}})
	got := s.send("POST", "/api/login", body("alice", strings.Repeat("p", 200)), "")
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
		_, err := NewAccounts(t.Context(), pool, openDoor(t, door.Options{}), AccountOptions{Users: table})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", table, err)
		}
	}
}

// What the server's role may do is enough for accounts, and no more than that is needed.
// serversPool acts as the role that serves, which may do no more than it must.
func serversPool(t *testing.T, db *schematest.Database) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `SET ROLE rowcall_server`)
		return err
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func TestAccountsNeedOnlyTheServersRole(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	db.Exec(t, `INSERT INTO users (id, username, password) VALUES (1, 'alice', '`+bcryptQuick+`')`)
	pool := serversPool(t, db)
	s := openSiteOn(t, db, pool, AccountOptions{Session: SessionOptions{Idle: time.Hour}})
	cookie, f := s.login(t, "alice"), s.follower(t, "alice")
	if now, err := s.accounts.Current(t.Context(), []notifier.Follower{f}); err != nil || !now[0].Valid {
		t.Errorf("current: %+v, %v", now, err)
	}
	if err := s.accounts.store.expire(t.Context()); err != nil {
		t.Error(err)
	}
	if got := s.send("POST", "/api/logout", "", cookie); got.StatusCode != 204 {
		t.Errorf("logout: %d", got.StatusCode)
	}
	if _, err := pool.Exec(t.Context(), `UPDATE users SET is_staff = true`); err == nil {
		t.Error("the server's role may change users")
	}
}
