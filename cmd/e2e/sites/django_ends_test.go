package sites

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

// TestDjangoLoginEnds ends logins by Django's own means: the sockets of the login close at every
// node, in the order of the log, and other logins of the same user stay.
func TestDjangoLoginEnds(t *testing.T) {
	t.Parallel()
	d := openDjango(t, nil)
	far := d.StartAnother(t)
	admin := d.staff("admin")
	const users = "admin/chat/user/"
	for name, c := range map[string]struct {
		user string
		all  bool // the user's other logins, too
		act  func(*djangoUser)
	}{
		"logout": {"alice", false, func(u *djangoUser) { u.send("logout/", u.token("login/")) }},
		"deactivated in the admin": {"bob", true, func(*djangoUser) {
			admin.submit(users+"2/change/", "username", "bob", "first_name", "Bob", "last_name", "Moreau")
		}},
		"another password": {"carol", true, func(*djangoUser) {
			d.shell("from chat.models import User\nuser = User.objects.get(pk=3)\nuser.set_password('other')\nuser.save()")
		}},
		"session deleted": {"dave", false, func(u *djangoUser) {
			d.shell("from django.contrib.sessions.models import Session\nSession.objects.filter(pk='" + u.sessionID() + "').delete()")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := d.user(c.user), d.user(c.user)
			before := first.atNode()
			native, jobs := before.OpenNative(t), first.open("/ws/job-status/")
			elsewhere, stays := before.At(far).OpenSocket(t, "/ws/job-status/"), second.open("/ws/job-status/")
			native.Follow("dams", "patients")
			c.act(first)
			for _, page := range []*rowcalltest.SocketClient{native, jobs, elsewhere} {
				page.ExpectClose(4401)
			}
			if c.all {
				stays.ExpectClose(4401)
			}
			if got := before.Status(t, "api/me"); got != http.StatusUnauthorized {
				t.Errorf("/api/me answers %d", got)
			}
			before.OpenSocket(t, "/ws/room/1").ExpectClose(4401)
			if !c.all {
				id := d.Psql(t, `INSERT INTO job_postings (user_id, state) SELECT id, 'stays' FROM users WHERE username = '`+c.user+`' RETURNING id`)
				stays.Expect(fmt.Sprintf(`{"id":%s,"state":"stays"}`, id))
			}
		})
	}
}

// TestDjangoOwnPasswordChanged changes the own password: the user stays logged in at the site with
// another session. Sockets of the former session close and can be opened again.
func TestDjangoOwnPasswordChanged(t *testing.T) {
	t.Parallel()
	d := openDjango(t, nil)
	admin := d.staff("admin")
	jobs := admin.open("/ws/job-status/")
	admin.submit("admin/password_change/", "old_password", "admin", "new_password1", "Tr0ub4dor", "new_password2", "Tr0ub4dor")
	jobs.ExpectClose(4401)
	again := admin.open("/ws/job-status/")
	id := d.Psql(t, `INSERT INTO job_postings (user_id, state) VALUES (5, 'after') RETURNING id`)
	again.Expect(fmt.Sprintf(`{"id":%s,"state":"after"}`, id))
}

// TestDjangoStaffTaken checks that a user who is no longer staff loses the topics for staff.
func TestDjangoStaffTaken(t *testing.T) {
	t.Parallel()
	d := openDjango(t, nil)
	admin := d.staff("admin")
	native := admin.atNode().OpenNative(t)
	native.Follow("jobs/1")
	admin.submit("admin/chat/user/5/change/", "username", "admin", "first_name", "Ada", "last_name", "Min", "is_active", "on", "is_staff", "on")
	d.shell("from chat.models import User\nUser.objects.filter(pk=5).update(is_staff=False)")
	d.Psql(t, `INSERT INTO job_postings (user_id, state) VALUES (1, 'secret')`)
	if f := native.ReceiveFrame(); f.Topic != "jobs/1" || f.Code != "forbidden" {
		t.Errorf("heard %+v", f)
	}
}

// TestDjangoSessionsGoOn checks that saving a session, and deleting expired sessions of others,
// closes no socket.
func TestDjangoSessionsGoOn(t *testing.T) {
	t.Parallel()
	d := openDjango(t, nil)
	alice := d.user("alice")
	jobs := alice.open("/ws/job-status/")
	d.shell(`
from django.contrib.sessions.backends.db import SessionStore
session = SessionStore("` + alice.sessionID() + `")
session["cart"] = list(range(500))
session.save()
old = SessionStore()
old.set_expiry(-10)
old.save()`)
	d.manage("clearsessions")
	if n := d.Psql(t, `SELECT count(*) FROM django_session`); n != "1" {
		t.Errorf("%s sessions are left", n)
	}
	d.Psql(t, `INSERT INTO job_postings (id, user_id, state) VALUES (900, 1, 'goes on')`)
	jobs.Expect(`{"id":900,"state":"goes on"}`)
	if got := alice.atNode().Status(t, "api/me"); got != http.StatusOK {
		t.Errorf("/api/me answers %d", got)
	}
	for _, column := range []string{"topic", "data"} {
		if n := d.Psql(t, `SELECT count(*) FROM rowcall.log WHERE `+column+` LIKE '%`+alice.sessionID()+`%'`); n != "0" {
			t.Errorf("the session's key is in the log's %s", column)
		}
	}
}

// TestDjangoRefused checks that a session that Django would not accept is no login here.
func TestDjangoRefused(t *testing.T) {
	t.Parallel()
	d := openDjango(t, nil)
	good := d.user("alice")
	key := good.sessionID()
	refused := func(name string, at *rowcalltest.Server, cookie string) {
		t.Helper()
		p := at.WithCookie("sessionid=" + cookie)
		if got := p.Status(t, "api/me"); got != http.StatusUnauthorized {
			t.Errorf("%s: /api/me answers %d", name, got)
		}
		p.OpenSocket(t, "/ws/room/1").ExpectClose(4401)
		if _, answer, err := p.Handshake("/ws/job-status/"); err == nil || answer == nil || answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: a socket that needs a login: %v %v", name, answer, err)
		}
	}
	refused("a key that is changed", d.Server, strings.Map(func(r rune) rune { return 'a' + r%26 }, key))
	refused("a key that is cut", d.Server, key[:len(key)-1])
	refused("a key in quotes", d.Server, `'OR'1'='1`)
	refused("another secret key", d.with("ROWCALL_AUTH_DJANGO_SECRET_KEY", "guessed"), key)
	refused("no secret key", d.with("ROWCALL_AUTH_DJANGO_SECRET_KEY", ""), key)

	d.env = append(d.env, "DJANGO_SESSION_SERIALIZER=django.contrib.sessions.serializers.PickleSerializer")
	pickled := d.shell(login("alice"))
	refused("pickled", d.Server, pickled)
	d.env = append(d.env, "DJANGO_SESSION_SERIALIZER=django.contrib.sessions.serializers.JSONSerializer", "DJANGO_SESSION_ENGINE=django.contrib.sessions.backends.signed_cookies")
	refused("engine signed_cookies", d.Server, d.shell(login("alice")))

	d.Psql(t, `UPDATE django_session SET session_data = replace(session_data, ':', 'x:')`)
	refused("changed in the table", d.Server, key)
	d.Psql(t, `UPDATE django_session SET session_data = replace(session_data, 'x:', ':')`)
	if got := good.atNode().Status(t, "api/me"); got != http.StatusOK {
		t.Errorf("changed back: /api/me answers %d", got)
	}
	socket := good.open("/ws/job-status/")
	d.Psql(t, `UPDATE django_session SET expire_date = now()`)
	socket.ExpectClose(4401)
	refused("expired", d.Server, key)
}

// TestDjangoOtherSessions checks sessions of the engine cached_db, and of a secret key that has
// been replaced.
func TestDjangoOtherSessions(t *testing.T) {
	t.Parallel()
	d := openDjango(t, nil)
	d.env = append(d.env, "DJANGO_SESSION_ENGINE=django.contrib.sessions.backends.cached_db")
	key := d.shell(login("bob"))
	for name, at := range map[string]*rowcalltest.Server{
		"engine cached_db":   d.Server,
		"the key before now": d.with("ROWCALL_AUTH_DJANGO_SECRET_KEY", "new", "ROWCALL_AUTH_DJANGO_SECRET_KEY_FALLBACKS", "other,"+djangoSecret),
	} {
		if got := (at.WithCookie("sessionid=" + key)).Status(t, "api/me"); got != http.StatusOK {
			t.Errorf("%s: /api/me answers %d", name, got)
		}
	}
}

// login returns a script that logs a user in as Django does, and prints the content of the cookie.
func login(name string) string {
	return `
from importlib import import_module
from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest
from chat.models import User
request = HttpRequest()
request.session = import_module(settings.SESSION_ENGINE).SessionStore()
login(request, User.objects.get(username="` + name + `"))
request.session.save()
print(request.session.session_key)`
}

// with starts one more node with other settings, given as names and values.
func (d *djangoSite) with(settings ...string) *rowcalltest.Server {
	d.t.Helper()
	env := map[string]string{}
	for name, value := range d.Server.Env {
		env[name] = value
	}
	for i := 0; i < len(settings); i += 2 {
		env[settings[i]] = settings[i+1]
	}
	return (&rowcalltest.Server{Database: d.Database, Env: env}).StartAnother(d.t)
}

// TestDjangoWithoutSessions checks that a node refuses to start, with a clear message, where the
// table of sessions is missing or may not be read.
func TestDjangoWithoutSessions(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	env := map[string]string{
		"ROWCALL_DATABASE_URL": rowcalltest.ServingURL(t, db), "ROWCALL_DATABASE_MIGRATE_URL": db.URL, "ROWCALL_HTTP_ADDR": "127.0.0.1:0",
		"ROWCALL_CONFIG": rowcalltest.ExampleFile(t), "ROWCALL_AUTH_DJANGO_SECRET_KEY": djangoSecret,
	}
	if got := rowcalltest.Fails(t, env, "serve"); !strings.Contains(got, "there is no table django_session") || !strings.Contains(got, "cached_db") {
		t.Errorf("without the table: %s", got)
	}
	db.Exec(t, `CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text, expire_date timestamptz)`)
	if got := rowcalltest.Fails(t, env, "serve"); !strings.Contains(got, "permission denied for table django_session") || strings.Contains(got, djangoSecret) {
		t.Errorf("without the right: %s", got)
	}
}
