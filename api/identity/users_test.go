package identity

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
)

func TestUsersTableOfAnyName(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE SCHEMA "O'Dd";
		CREATE TABLE "O'Dd"."us""ers; drop" ("The ID" uuid PRIMARY KEY, "select" text, "pass""word" text, "Active?" boolean);
		INSERT INTO "O'Dd"."us""ers; drop" VALUES ('00000000-0000-0000-0000-00000000000a', 'alice', '`+pythonHash+`', true)`)
	s := openAccountsServerOn(t, db, db.Pool(t), Options{Users: UsersTable{
		Table: `"O'Dd"."us""ers; drop"`, ID: "The ID", Username: "select", Password: `pass"word`, Active: "Active?", Staff: "-",
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
	const columns = ". The columns of the table are id, username, first_name, last_name, password, is_staff, is_active"
	for want, table := range map[string]UsersTable{
		`users table people: there is no table people: set auth.users.table to the name of the table of users, with its schema and a dot in front where search_path does not find it, or to "-" where there are no accounts`: {Table: "people"},
		`if the name has capitals, write public."People": set auth.users.table`:                                                                                  {Table: "public.People"},
		"there is no table users; drop table users: set auth.users.table":                                                                                        {Table: "users; drop table users"},
		"there is no column key: set auth.users.id to a column of the table" + columns:                                                                           {ID: "key"},
		"there is no column login: set auth.users.username to a column of the table" + columns:                                                                   {Username: "login"},
		`there is no column pass: set auth.users.password to a column of the table, or to "-" where nobody logs in with a password` + columns:                    {Password: "pass"},
		`the column username is of type character varying: set auth.users.active to a column of type boolean, or to "-" where all accounts are active` + columns: {Active: "username"},
		`there is no column is_super: set auth.users.staff to a column of the table, or to "-" where nobody is staff` + columns:                                  {Staff: "is_super"},
		"there is no column nr: set auth.users.id to a column of the table; there is no column -: set auth.users.username":                                       {ID: "nr", Username: "-"},
	} {
		_, err := New(t.Context(), dbconn.Over(pool), doortest.Open(t, door.Options{}), Options{Users: table})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", table, err)
		}
	}
}

// A table without passwords holds users who come with tokens. Nobody logs in to it.
func TestUsersTableWithoutPasswords(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE DOMAIN flag AS boolean; CREATE TABLE members (id int PRIMARY KEY, email text, active flag); INSERT INTO members VALUES (7, 'eve@example.org', true)`)
	s := openAccountsServerOn(t, db, db.Pool(t), Options{Users: UsersTable{Table: "members", Username: "email", Password: "-", Active: "active", Staff: "-"}})
	if got := s.send("POST", "/api/login", apitest.Credentials("eve@example.org", ""), ""); got.StatusCode != 404 {
		t.Errorf("a login is answered with %d, want 404", got.StatusCode)
	}
	if found, err := s.accounts.users.byID(t.Context(), "007"); err != nil || found.ID != "7" || found.Username != "eve@example.org" {
		t.Errorf("user 007 is %+v, %v; want the account 7", found, err)
	}
	standings, err := s.accounts.Current(t.Context(), []notifier.Follower{{User: "7"}})
	if err != nil || len(standings) != 1 {
		t.Errorf("the standings are %+v, %v; want one", standings, err)
	}
}

// A role that may not read the table is refused with what it needs.
func TestUsersTableThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE SCHEMA shop; CREATE TABLE shop.people (id int PRIMARY KEY, username text, password text)`)
	pool := db.ServerPool(t)
	people := Options{Users: UsersTable{Table: "shop.people", Active: "-", Staff: "-"}}
	for _, grant := range []string{`GRANT USAGE ON SCHEMA shop TO rowcall_server`, `GRANT SELECT ON shop.people TO rowcall_server`} {
		_, err := New(t.Context(), dbconn.Over(pool), doortest.Open(t, door.Options{}), people)
		if err == nil || !strings.Contains(err.Error(), "GRANT USAGE ON SCHEMA and GRANT SELECT ON TABLE") {
			t.Errorf("before %s: %v, want a refusal that names the grants", grant, err)
		}
		db.Exec(t, grant)
	}
	if _, err := New(t.Context(), dbconn.Over(pool), doortest.Open(t, door.Options{}), people); err != nil {
		t.Errorf("with both grants: %v", err)
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

// A domain is of the kind of the type behind it, through any number of domains. A value that the domain
// refuses is nobody's id.
func TestUserIDsOfDomains(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE DOMAIN positive AS bigint CHECK (VALUE > 0); CREATE DOMAIN user_id AS positive; CREATE DOMAIN ident AS uuid; CREATE DOMAIN code AS text CHECK (VALUE ~ '^[a-z]+$');
		CREATE TABLE people (number user_id UNIQUE, token ident, code code, username text, password text);
		INSERT INTO people VALUES (7, '00000000-0000-0000-0000-00000000000a', 'ana', 'ana', '')`)
	for column, want := range map[string]struct {
		kind           topic.Kind
		known, spelled string
		unknown        string
	}{
		"number": {topic.KindInt, "007", "7", "-1"},
		"token":  {topic.KindUUID, "0000000000000000000000000000000A", "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"},
		"code":   {topic.KindText, "ana", "ana", "ANA"},
	} {
		u, err := openUsers(t.Context(), dbconn.Over(db.Pool(t)), UsersTable{Table: "people", ID: column, Active: "-", Staff: "-"}, "")
		if err != nil {
			t.Fatal(err)
		}
		if u.kind != want.kind {
			t.Errorf("%s: kind %q, want %q", column, u.kind, want.kind)
		}
		if who, err := u.byID(t.Context(), want.known); err != nil || who.ID != want.spelled {
			t.Errorf("%s: %s is %+v, %v, want %s", column, want.known, who, err, want.spelled)
		}
		if _, err := u.byID(t.Context(), want.unknown); !errors.Is(err, problem.ErrUnauthorized) {
			t.Errorf("%s: %s got %v, want nobody", column, want.unknown, err)
		}
	}
}
