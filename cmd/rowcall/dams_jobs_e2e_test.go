package main

import "testing"

// The dams' socket is open to everybody and says one thing, once for each dam that is added.
func TestDamsSocket(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	newDam := golden(t, "dams-new-dam")
	pages := []*socket{
		s.anonymous().open(t, "/dam-inventory/dams/notifications/ws/"),
		s.anonymous().open(t, "/apps/dam-inventory/dams/notifications/ws/"),
		s.login(t, "alice").open(t, "/dam-inventory/dams/notifications/ws"),
		(&person{s, "rowcall_session=stale"}).open(t, "/apps/dam-inventory/dams/notifications/ws"),
	}
	witness := s.anonymous().native(t)
	witness.follow("dams")
	s.Psql(t, `
		BEGIN; INSERT INTO dams (name) VALUES ('never built'); ROLLBACK;
		UPDATE dams SET owner = 'The county';
		INSERT INTO hydrographs (dam_id) VALUES (1), (NULL);
		UPDATE hydrographs SET dam_id = 2;
		INSERT INTO hydrograph_points (hydrograph_id, time, flow) VALUES (1, 30, 2.5);
		DELETE FROM dams WHERE id = 2;
		INSERT INTO patients (first_name, last_name) VALUES ('Ana', 'Ek');
		INSERT INTO dams (name) VALUES ('Mauvoisin')`)
	witness.until(`"name":"Mauvoisin"`)
	s.Psql(t, `INSERT INTO dams (latitude) VALUES (46.0), (46.1); DELETE FROM dams; TRUNCATE dams CASCADE; INSERT INTO dams (name) VALUES ('Sihl')`)
	witness.until(`"name":"Sihl"`)
	for _, page := range pages {
		page.expect(newDam, newDam, newDam, newDam)
		page.expectNoMore()
	}
}

// The jobs' socket sends a user's own jobs' states, on each insert and each save, changed or not.
func TestJobsSocket(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	alice := s.login(t, "alice")
	pages := []*socket{alice.open(t, "/ws/job-status/"), alice.open(t, "/ws/job-status"), s.login(t, "alice").open(t, "/ws/job-status/")}
	bob, admin := s.login(t, "bob").open(t, "/ws/job-status/"), s.login(t, "admin").open(t, "/ws/job-status/")
	s.Psql(t, `
		BEGIN; INSERT INTO job_postings (user_id, state) VALUES (1, 'never'); ROLLBACK;
		INSERT INTO job_postings (id, user_id, title, state) VALUES (17, 1, 'Sort', 'running');
		UPDATE job_postings SET state = state WHERE id = 17;
		UPDATE job_postings SET progress = 50 WHERE id = 17;
		UPDATE job_postings SET state = 'done', progress = 100 WHERE id = 17;
		UPDATE job_postings SET user_id = 2 WHERE id = 17;
		DELETE FROM job_postings WHERE id = 17;
		INSERT INTO job_postings (id, user_id, state) VALUES (18, 1, 'last'), (19, 2, 'last'), (20, 5, 'last')`)
	running := golden(t, "jobs-saved")
	for _, page := range pages {
		page.expect(running, running, running, `{"id":17,"state":"done"}`, `{"id":18,"state":"last"}`)
	}
	bob.expect(`{"id":17,"state":"done"}`, `{"id":19,"state":"last"}`)
	admin.expect(`{"id":20,"state":"last"}`)
}
