package main

import (
	"net/http"
	"testing"
)

// Whoever logs out, or is not an active user any more, loses all sockets at once, at every node; other
// logins of the same user stay.
func TestIdentityLost(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	other := s.another(t)
	for name, lose := range map[string]struct {
		user string
		all  bool // the user's other logins, too
		act  func(*testing.T, *person)
	}{
		"logout":         {"alice", false, func(t *testing.T, p *person) { p.post(t, "api/logout", "") }},
		"deactivated":    {"bob", true, func(t *testing.T, _ *person) { s.Psql(t, `UPDATE users SET is_active = false WHERE id = 2`) }},
		"another secret": {"carol", true, func(t *testing.T, _ *person) { s.Psql(t, `UPDATE users SET password = 'x' WHERE id = 3`) }},
		"deleted":        {"dave", true, func(t *testing.T, _ *person) { s.Psql(t, `DELETE FROM chat_messages; DELETE FROM users WHERE id = 4`) }},
		"session ended":  {"admin", true, func(t *testing.T, _ *person) { s.Psql(t, `DELETE FROM rowcall.sessions WHERE user_id = '5'`) }},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := s.login(t, lose.user), s.login(t, lose.user)
			native, far, stays := first.native(t), first.at(other).native(t), second.open(t, "/ws/job-status/")
			jobs := first.at(other).open(t, "/ws/job-status/")
			native.follow("dams", "patients")
			far.follow("patients")
			lose.act(t, first)
			for _, page := range []*socket{native, far, jobs} {
				page.expectClose(4401)
			}
			if lose.all {
				stays.expectClose(4401)
			}
			if got := first.status(t, "api/me"); got != http.StatusUnauthorized {
				t.Errorf("/api/me answers %d", got)
			}
			first.open(t, "/ws/room/1").expectClose(4401)
			if !lose.all {
				s.Psql(t, `INSERT INTO job_postings (id, user_id, state) VALUES (91, 1, 'stays')`)
				stays.expect(`{"id":91,"state":"stays"}`)
			}
		})
	}
}

// Staff that is staff no more loses what only staff may follow, and keeps the rest.
func TestStaffLost(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	admin := s.login(t, "admin").native(t)
	admin.follow("jobs/1", "patients")
	s.Psql(t, `
		UPDATE users SET is_staff = false WHERE id = 5;
		INSERT INTO job_postings (user_id, state) VALUES (1, 'secret');
		INSERT INTO patients (first_name, last_name) VALUES ('Ana', 'Ek')`)
	first, second := admin.next(), admin.next()
	if first.Op == "event" {
		first, second = second, first
	}
	if first.Topic != "jobs/1" || first.Code != "forbidden" || second.summary() != "patient.change create Ana" {
		t.Errorf("heard %+v and %+v", first, second)
	}
}
