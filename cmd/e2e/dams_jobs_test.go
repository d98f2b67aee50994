package e2e

import (
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

// TestDamsSocket checks that the socket of the dams is open to everybody and sends one frame for
// each new dam.
func TestDamsSocket(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	newDam := rowcalltest.GoldenFrame(t, "dams-new-dam")
	pages := []*rowcalltest.SocketClient{
		s.Anonymous().OpenSocket(t, "/dam-inventory/dams/notifications/ws/"),
		s.Anonymous().OpenSocket(t, "/apps/dam-inventory/dams/notifications/ws/"),
		s.Login(t, "alice").OpenSocket(t, "/dam-inventory/dams/notifications/ws"),
		(s.WithCookie("rowcall_session=stale")).OpenSocket(t, "/apps/dam-inventory/dams/notifications/ws"),
	}
	witness := s.Anonymous().OpenNative(t)
	witness.Follow("dams")
	s.Psql(t, `
		BEGIN; INSERT INTO dams (name) VALUES ('never built'); ROLLBACK;
		UPDATE dams SET owner = 'The county';
		INSERT INTO hydrographs (dam_id) VALUES (1), (NULL);
		UPDATE hydrographs SET dam_id = 2;
		INSERT INTO hydrograph_points (hydrograph_id, time, flow) VALUES (1, 30, 2.5);
		DELETE FROM dams WHERE id = 2;
		INSERT INTO patients (first_name, last_name, admission_date) VALUES ('Ana', 'Ek', now());
		INSERT INTO dams (name) VALUES ('Mauvoisin')`)
	witness.SkipUntil(`"name":"Mauvoisin"`)
	s.Psql(t, `INSERT INTO dams (latitude) VALUES (46.0), (46.1); DELETE FROM dams; TRUNCATE dams CASCADE; INSERT INTO dams (name) VALUES ('Sihl')`)
	witness.SkipUntil(`"name":"Sihl"`)
	for _, page := range pages {
		page.Expect(newDam, newDam, newDam, newDam)
		page.ExpectNoMore()
	}
}

// TestJobsSocket checks that the socket of the jobs sends the states of the user's own jobs, on
// each insert and each save, also of an unchanged row.
func TestJobsSocket(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	alice := s.Login(t, "alice")
	pages := []*rowcalltest.SocketClient{alice.OpenSocket(t, "/ws/job-status/"), alice.OpenSocket(t, "/ws/job-status"), s.Login(t, "alice").OpenSocket(t, "/ws/job-status/")}
	bob, admin := s.Login(t, "bob").OpenSocket(t, "/ws/job-status/"), s.Login(t, "admin").OpenSocket(t, "/ws/job-status/")
	s.Psql(t, `
		BEGIN; INSERT INTO job_postings (user_id, state) VALUES (1, 'never'); ROLLBACK;
		INSERT INTO job_postings (id, user_id, title, state) VALUES (17, 1, 'Sort', 'running');
		UPDATE job_postings SET state = state WHERE id = 17;
		UPDATE job_postings SET progress = 50 WHERE id = 17;
		UPDATE job_postings SET state = 'done', progress = 100 WHERE id = 17;
		UPDATE job_postings SET user_id = 2 WHERE id = 17;
		DELETE FROM job_postings WHERE id = 17;
		INSERT INTO job_postings (id, user_id, state) VALUES (18, 1, 'last'), (19, 2, 'last'), (20, 5, 'last')`)
	running := rowcalltest.GoldenFrame(t, "jobs-saved")
	for _, page := range pages {
		page.Expect(running, running, running, `{"id":17,"state":"done"}`, `{"id":18,"state":"last"}`)
	}
	bob.Expect(`{"id":17,"state":"done"}`, `{"id":19,"state":"last"}`)
	admin.Expect(`{"id":20,"state":"last"}`)
}
