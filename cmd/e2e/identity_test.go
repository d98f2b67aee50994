package e2e

import (
	"net/http"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

// TestIdentityLost checks that a user who logs out or is deactivated loses all sockets at once, at
// every node, while other logins of the same user stay.
func TestIdentityLost(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	other := s.StartAnother(t)
	for name, lose := range map[string]struct {
		user string
		all  bool // the user's other logins, too
		act  func(*testing.T, *rowcalltest.HTTPUser)
	}{
		"logout": {"alice", false, func(t *testing.T, p *rowcalltest.HTTPUser) { p.Post(t, "api/logout", "") }},
		"deactivated": {"bob", true, func(t *testing.T, _ *rowcalltest.HTTPUser) {
			s.Psql(t, `UPDATE users SET is_active = false WHERE id = 2`)
		}},
		"another secret": {"carol", true, func(t *testing.T, _ *rowcalltest.HTTPUser) { s.Psql(t, `UPDATE users SET password = 'x' WHERE id = 3`) }},
		"deleted": {"dave", true, func(t *testing.T, _ *rowcalltest.HTTPUser) {
			s.Psql(t, `DELETE FROM chat_messages; DELETE FROM users WHERE id = 4`)
		}},
		"session ended": {"admin", true, func(t *testing.T, _ *rowcalltest.HTTPUser) {
			s.Psql(t, `DELETE FROM rowcall.sessions WHERE user_id = '5'`)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := s.Login(t, lose.user), s.Login(t, lose.user)
			native, far, stays := first.OpenNative(t), first.At(other).OpenNative(t), second.OpenSocket(t, "/ws/job-status/")
			jobs := first.At(other).OpenSocket(t, "/ws/job-status/")
			native.Follow("dams", "patients")
			far.Follow("patients")
			lose.act(t, first)
			for _, page := range []*rowcalltest.SocketClient{native, far, jobs} {
				page.ExpectClose(4401)
			}
			if lose.all {
				stays.ExpectClose(4401)
			}
			if got := first.Status(t, "api/me"); got != http.StatusUnauthorized {
				t.Errorf("/api/me answers %d", got)
			}
			first.OpenSocket(t, "/ws/room/1").ExpectClose(4401)
			if !lose.all {
				s.Psql(t, `INSERT INTO job_postings (id, user_id, state) VALUES (91, 1, 'stays')`)
				stays.Expect(`{"id":91,"state":"stays"}`)
			}
		})
	}
}

// TestStaffLost checks that a user who is no longer staff loses the topics for staff and keeps the
// others.
func TestStaffLost(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	admin := s.Login(t, "admin").OpenNative(t)
	admin.Follow("jobs/1", "patients")
	s.Psql(t, `
		UPDATE users SET is_staff = false WHERE id = 5;
		INSERT INTO job_postings (user_id, state) VALUES (1, 'secret');
		INSERT INTO patients (first_name, last_name, admission_date) VALUES ('Ana', 'Ek', '2021-06-01Z')`)
	first, second := admin.ReceiveFrame(), admin.ReceiveFrame()
	if first.Op == "event" {
		first, second = second, first
	}
	if first.Topic != "jobs/1" || first.Code != "forbidden" || summary(second) != "patient.change create Ana 2021-06-01T00:00:00Z" {
		t.Errorf("heard %+v and %+v", first, second)
	}
}
