package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
)

const djangoKeyOfTests = "abcdefghijklmnopqrstuvwxyz012345"

// openTestDjango returns a server with the user of the vectors, 7, and the first vector as the
// session of djangoCookie.
func openTestDjango(t *testing.T, log *slog.Logger) (*accountsServer, djangoVectors) {
	t.Helper()
	v := readVectors(t)
	db := schematest.New(t)
	db.Exec(t, `INSERT INTO users (id, username, first_name, password) VALUES (7, 'gina', 'Gina', '`+v.Password+`'), (8, 'hal', 'Hal', '`+apitest.QuickHash+`'), (9, 'ida', 'Ida', '`+v.Password+`');
		CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL)`)
	db.Exec(t, `INSERT INTO django_session VALUES ($1, $2, now() + interval '1 day')`, djangoKeyOfTests, v.Sessions[0].Text)
	o := Options{Django: DjangoOptions{SecretKey: v.Secret, SecretKeyFallbacks: []string{v.Fallback}}}
	s := openAccountsServerOn(t, db, db.Pool(t), o)
	if log != nil {
		s.accounts.django.log = log
	}
	return s, v
}

const djangoCookie = "sessionid=" + djangoKeyOfTests

func TestDjangoCookieSaysWhoItIs(t *testing.T) {
	t.Parallel()
	s, _ := openTestDjango(t, nil)
	s.db.Exec(t, `UPDATE users SET is_staff = true WHERE id = 7`)
	who, err := s.identify(t, djangoCookie)
	if err != nil || who.User != "7" || who.Name != "gina" || !who.Staff {
		t.Fatalf("%+v, %v", who, err)
	}
	again, _ := s.identify(t, "sessionid=zzzzzzzzzz; "+djangoCookie)
	if again != who {
		t.Errorf("with two cookies of that name it is %+v", again)
	}
	if shown := fmt.Sprintf("%+v %+v", who, who.Follower()); strings.Contains(shown, djangoKeyOfTests) {
		t.Errorf("the identity holds the session's key: %s", shown)
	}
	answer := s.send("GET", "/api/me", "", djangoCookie)
	var me struct{ User struct{ ID int } }
	if err := json.NewDecoder(answer.Body).Decode(&me); err != nil || me.User.ID != 7 {
		t.Errorf("/api/me: %d %+v %v", answer.StatusCode, me, err)
	}
}

// A session that Django treats as anonymous is anonymous here and no error, so that public topics
// stay open.
func TestDjangoSessionsThatDoNotCount(t *testing.T) {
	t.Parallel()
	const other = "sessionid=" + "0000000000000000000000000000000x"
	for name, c := range map[string]struct{ sql, cookie string }{
		"expired":              {`UPDATE django_session SET expire_date = now()`, djangoCookie},
		"deleted":              {`DELETE FROM django_session`, djangoCookie},
		"another password":     {`UPDATE users SET password = 'x' WHERE id = 7`, djangoCookie},
		"inactive":             {`UPDATE users SET is_active = false WHERE id = 7`, djangoCookie},
		"user deleted":         {`DELETE FROM users WHERE id = 7`, djangoCookie},
		"changed":              {`UPDATE django_session SET session_data = overlay(session_data PLACING 'x' FROM 30)`, djangoCookie},
		"too long":             {`UPDATE django_session SET session_data = repeat('x', 70000)`, djangoCookie},
		"another key":          {`SELECT`, other},
		"the session itself":   {`SELECT`, "sessionid=.eJxVjMsOwiAQRf-FtSEw:1r31eq:r6ISt0U"},
		"a key no Django made": {`UPDATE django_session SET session_key = 'ABCDEFGHIJ'`, "sessionid=ABCDEFGHIJ"},
		"quotes":               {`SELECT`, "sessionid='OR'1'='1"},
		"nothing":              {`SELECT`, "sessionid="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := openTestDjango(t, nil)
			s.db.Exec(t, c.sql)
			if who, err := s.identify(t, c.cookie); err != nil || who != (Identity{}) {
				t.Errorf("%+v, %v", who, err)
			}
			if got := s.send("GET", "/api/me", "", c.cookie); got.StatusCode != http.StatusUnauthorized || len(got.Cookies()) > 0 {
				t.Errorf("/api/me: %d, cookies %v", got.StatusCode, got.Cookies())
			}
		})
	}
}

// Every session of the vectors is read in the same way through the database.
func TestDjangoVectorsThroughTheDatabase(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	s, v := openTestDjango(t, slog.New(slog.NewTextHandler(&said, nil)))
	for _, c := range v.Sessions {
		s.db.Exec(t, `UPDATE django_session SET session_data = $1`, c.Text)
		want := ""
		if v.keys().sealed(c.Hash, v.Password) {
			want = c.User
		}
		if who, err := s.identify(t, djangoCookie); err != nil || who.User != want {
			t.Errorf("%s: %+v, %v", c.Name, who, err)
		}
	}
	if text := said.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "auth.django.secret_key") {
		t.Errorf("the operator is told %s", text)
	}
	if text := said.String(); strings.Contains(text, djangoKeyOfTests) {
		t.Errorf("the session's key is logged: %s", text)
	}
}

// A login of Rowcall's own counts before Django's, and Django's counts if the other has ended.
func TestDjangoBesideALoginOfOurOwn(t *testing.T) {
	t.Parallel()
	s, _ := openTestDjango(t, nil)
	both := s.login(t, "hal") + "; " + djangoCookie
	user := func(cookie string) string {
		who, err := s.identify(t, cookie)
		if err != nil {
			t.Error(err)
		}
		return who.User
	}
	if got := user(both); got != "8" {
		t.Errorf("with both it is %s", got)
	}
	if got := s.send("POST", "/api/logout", "", both); got.StatusCode != http.StatusNoContent {
		t.Errorf("logging out answers %d", got.StatusCode)
	}
	if got := user(both); got != "7" {
		t.Errorf("after logging out it is %s", got)
	}
	if got := s.send("POST", "/api/logout", "", djangoCookie); got.StatusCode != http.StatusConflict {
		t.Errorf("logging out of Django's answers %d", got.StatusCode)
	}
	s.db.Exec(t, `DELETE FROM django_session`)
	if who, err := s.identify(t, both); !errors.Is(err, problem.ErrUnauthorized) {
		t.Errorf("with two that have ended: %+v, %v", who, err)
	}
	if got := s.send("POST", "/api/logout", "", djangoCookie); got.StatusCode != http.StatusNoContent {
		t.Errorf("logging out twice answers %d", got.StatusCode)
	}
}

func TestDjangoFollowersAreLookedUpAgain(t *testing.T) {
	t.Parallel()
	s, v := openTestDjango(t, nil)
	who, err := s.identify(t, djangoCookie)
	if err != nil {
		t.Fatal(err)
	}
	hal := s.follower(t, "hal")
	gina := who.Follower()
	stranger := gina
	stranger.User = "9" // who has the same password
	forged := gina
	forged.Session = djangoPrefix + "00"
	for _, c := range []struct {
		sql  string
		want Standing
	}{
		{`SELECT`, Standing{Valid: true}},
		{`UPDATE users SET is_staff = true WHERE id = 7`, Standing{Valid: true, Staff: true}},
		{`UPDATE users SET is_active = false WHERE id = 7`, Standing{}},
		{`UPDATE users SET is_active = true, is_staff = false, password = 'x' WHERE id = 7`, Standing{}},
		{`UPDATE users SET password = '` + v.Password + `' WHERE id = 7`, Standing{Valid: true}},
		{`UPDATE django_session SET session_data = '` + v.Sessions[8].Text + `'`, Standing{}},
		{`UPDATE django_session SET session_data = '` + v.Sessions[6].Text + `'`, Standing{Valid: true}},
		{`UPDATE django_session SET expire_date = now()`, Standing{}},
		{`UPDATE django_session SET expire_date = now() + interval '1 day'`, Standing{Valid: true}},
		{`DELETE FROM django_session`, Standing{}},
	} {
		s.db.Exec(t, c.sql)
		now, err := s.accounts.Current(t.Context(), []notifier.Follower{hal, gina, stranger, forged, {}})
		want := []Standing{{Valid: true}, c.want, {}, {}, {Valid: true}}
		if err != nil || fmt.Sprint(now) != fmt.Sprint(want) {
			t.Errorf("%s: %+v, %v", c.sql, now, err)
		}
	}
}

// Thousands of sessions are looked up in several statements.
func TestDjangoFollowersInParts(t *testing.T) {
	t.Parallel()
	s, v := openTestDjango(t, nil)
	s.db.Exec(t, `INSERT INTO django_session SELECT 'session' || n, $1, now() + interval '1 day' FROM generate_series(1000, 2999) n`, v.Sessions[0].Text)
	followers := make([]notifier.Follower, 2000)
	for i := range followers {
		followers[i] = notifier.Follower{User: "7", Session: s.accounts.django.names.seal(fmt.Sprint("session", 1000+i))}
	}
	s.db.Exec(t, `DELETE FROM django_session WHERE session_key = 'session1700'`)
	now, err := s.accounts.Current(t.Context(), followers)
	if err != nil {
		t.Fatal(err)
	}
	for i, standing := range now {
		if standing.Valid != (i != 700) {
			t.Fatalf("follower %d: %+v", i, standing)
		}
	}
}

func TestDjangoIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	s, v := openTestDjango(t, nil)
	door := doortest.Open(t, door.Options{})
	for name, want := range map[string]string{
		"no_such_table":        "there is no table no_such_table",
		"shop.sessions":        "there is no table shop.sessions",
		"users":                `column s.session_data does not exist`,
		`"""; DROP TABLE x--"`: "there is no table",
	} {
		_, err := New(t.Context(), dbconn.Over(s.pool), door, Options{Django: DjangoOptions{SecretKey: v.Secret, Table: name}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDjangoDatabaseAway(t *testing.T) {
	t.Parallel()
	s, _ := openTestDjango(t, nil)
	s.pool.Close()
	if _, err := s.identify(t, djangoCookie); !errors.Is(err, problem.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

func TestDjangoNames(t *testing.T) {
	t.Parallel()
	names, _ := newLoginNames()
	others, _ := newLoginNames()
	a, b := names.seal("first0000"), names.seal("second000")
	if a == b || a != names.seal("first0000") || a == others.seal("first0000") {
		t.Error("names are not each session's own")
	}
	if key, ok := names.open(a); !ok || key != "first0000" {
		t.Errorf("%s, %v", key, ok)
	}
	for _, name := range []string{"", djangoPrefix, a[:len(a)-2], others.seal("first0000"), a + "00", djangoPrefix + "zz"} {
		if key, ok := names.open(name); ok || key != "" {
			t.Errorf("%s names %s", name, key)
		}
	}
}
