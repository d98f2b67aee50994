package triggers_test

import (
	"strings"
	"testing"

	"rowcall/schema/schematest"
)

func TestPatients(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t))
	change := func(fields, action string) row {
		return row{"patients/7", "patient.change", "", `{"id":7,` + fields + `,"action":"` + action + `"}`}
	}

	d.run(`INSERT INTO patients (id, first_name, last_name, admission_date, created_at, updated_at) VALUES
	       (7, 'Ana', 'Ek', '2021-06-01 12:00:00+02', '2021-01-01 00:00:00Z', '2021-01-01 00:00:00.25Z')`)
	d.expect(change(`"first_name":"Ana","last_name":"Ek","admission_date":"2021-06-01T10:00:00Z","dismissal_date":null,`+
		`"updated_at":"2021-01-01T00:00:00.250000Z","created_at":"2021-01-01T00:00:00Z"`, "create"))

	d.run(`UPDATE patients SET last_name = 'Berg', dismissal_date = 'infinity' WHERE id = 7`)
	after := `"first_name":"Ana","last_name":"Berg","admission_date":"2021-06-01T10:00:00Z","dismissal_date":"infinity","updated_at":"` +
		one[string](d, `SELECT rowcall.iso(updated_at) FROM patients`) + `","created_at":"2021-01-01T00:00:00Z"`
	d.expect(change(after, "update"))

	d.run(`DELETE FROM patients WHERE id = 7`)
	d.expect(change(after, "delete"))
}

// The two times are stamped when nobody gives them, and every save moves the second.
func TestPatientTimes(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t))
	d.run(`INSERT INTO patients (id, first_name, last_name, admission_date) VALUES (1, 'a', 'b', now());
	       INSERT INTO patients (id, first_name, last_name, created_at, updated_at, admission_date) VALUES (2, 'a', 'b', NULL, NULL, now())`)
	if n := one[int](d, `SELECT count(*) FROM patients WHERE created_at = updated_at AND now() - created_at < '1 minute'`); n != 2 {
		t.Errorf("%d patients are stamped, want 2", n)
	}
	d.run(`UPDATE patients SET created_at = '2021-01-01', updated_at = '2021-01-01'`)
	d.run(`UPDATE patients SET first_name = 'c', created_at = NULL WHERE id = 1; UPDATE patients SET updated_at = '2021-01-01' WHERE id = 2`)
	if n := one[int](d, `SELECT count(*) FROM patients WHERE now() - updated_at < '1 minute'`); n != 2 {
		t.Errorf("%d patients are stamped anew, want 2", n)
	}
}

func TestDams(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t))
	empty := `"latitude":null,"longitude":null,"owner":null,"river":null,"date_built":null}`

	d.run(`INSERT INTO dams VALUES (3, 40.1000000000001, -111.4, 'Deer Creek', 'USBR', 'Provo', '1941')`)
	full := `{"id":3,"name":"Deer Creek","latitude":40.1000000000001,"longitude":-111.4,"owner":"USBR","river":"Provo","date_built":"1941"}`
	d.expect(row{"dams/3", "dam.create", "", full})

	d.run(`UPDATE dams SET name = NULL, latitude = NULL, longitude = NULL, owner = NULL, river = NULL, date_built = NULL`)
	d.expect(row{"dams/3", "dam.update", "", `{"id":3,"name":null,` + empty})

	d.run(`INSERT INTO dams (id) VALUES (4)`)
	d.expect(row{"dams/4", "dam.create", "", `{"id":4,"name":null,` + empty})
	d.run(`UPDATE dams SET id = 5 WHERE id = 4`)
	d.expect(
		row{"dams/4", "dam.delete", "", `{"id":4,"name":null,` + empty},
		row{"dams/5", "dam.create", "", `{"id":5,"name":null,` + empty})
	d.run(`UPDATE dams SET latitude = 'NaN' WHERE id = 5; DELETE FROM dams WHERE id = 5`)
	for _, e := range d.events() {
		if !strings.Contains(e.Data, `"latitude":"NaN"`) {
			t.Errorf("a latitude that JSON has no number for: %s", e.Data)
		}
	}
}

// A dam hears of what is assigned to it, the list of hydrographs of every change.
func TestHydrographs(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t))
	d.run(`INSERT INTO dams (id) VALUES (3)`)
	d.events()
	d.run(`INSERT INTO hydrographs (id) VALUES (8); UPDATE hydrographs SET dam_id = 3; UPDATE hydrographs SET dam_id = 3`)
	d.expect(
		row{"hydrographs/8", "hydrograph.create", "", `{"id":8,"dam_id":null}`},
		row{"dams/3", "hydrograph.assigned", "", `{"id":8,"dam_id":3}`},
		row{"hydrographs/8", "hydrograph.update", "", `{"id":8,"dam_id":3}`},
		row{"hydrographs/8", "hydrograph.update", "", `{"id":8,"dam_id":3}`})

	d.run(`INSERT INTO hydrographs (id, dam_id) VALUES (9, 3); UPDATE hydrographs SET dam_id = NULL WHERE id = 9; DELETE FROM hydrographs WHERE id = 9`)
	d.expect(
		row{"dams/3", "hydrograph.assigned", "", `{"id":9,"dam_id":3}`},
		row{"hydrographs/9", "hydrograph.create", "", `{"id":9,"dam_id":3}`},
		row{"hydrographs/9", "hydrograph.update", "", `{"id":9,"dam_id":null}`},
		row{"hydrographs/9", "hydrograph.delete", "", `{"id":9,"dam_id":null}`})
}

// Points come by the hundred: a statement files one event for each hydrograph it has touched.
func TestHydrographPoints(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t))
	d.run(`INSERT INTO hydrographs (id) VALUES (8), (9)`)
	d.events()
	points := func(topic, id string) row { return row{topic, "hydrograph.points", "", `{"id":` + id + `}`} }

	d.run(`INSERT INTO hydrograph_points (hydrograph_id, time, flow) SELECT 8 + n % 2, n, n FROM generate_series(1, 500) n`)
	d.expect(points("hydrographs/8", "8"), points("hydrographs/9", "9"))
	d.run(`UPDATE hydrograph_points SET hydrograph_id = NULL WHERE hydrograph_id = 9`)
	d.expect(points("hydrographs", "null"), points("hydrographs/9", "9"))
	d.run(`DELETE FROM hydrograph_points WHERE hydrograph_id = 8; DELETE FROM hydrograph_points WHERE hydrograph_id = 8`)
	d.expect(points("hydrographs/8", "8"))
}

func TestJobs(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.Samples))
	d.run(`INSERT INTO job_postings (id, user_id, title) VALUES (17, 3, 'Sort')`)
	d.expect(row{"jobs/3", "job_posting.saved", "", `{"id":17,"state":"queued","title":"Sort","progress":0}`})
	d.run(`UPDATE job_postings SET state = 'running', progress = 5 WHERE id = 17`)
	saved := row{"jobs/3", "job_posting.saved", "", `{"id":17,"state":"running","title":"Sort","progress":5}`}
	d.expect(saved)
	d.run(`UPDATE job_postings SET state = state WHERE id = 17`) // a save that changes nothing is a save
	d.expect(saved)
	d.run(`UPDATE job_postings SET user_id = 2 WHERE id = 17`)
	saved.Topic = "jobs/2"
	d.expect(row{"jobs/3", "job_posting.deleted", "", `{"id":17}`}, saved)
	d.run(`DELETE FROM job_postings WHERE id = 17`)
	d.expect(row{"jobs/2", "job_posting.deleted", "", `{"id":17}`})
}

func TestSessions(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.CoreOnly))
	asked := row{"", "rowcall.access", "", `{"user_id":"5"}`}
	d.run(`INSERT INTO rowcall.sessions VALUES ('a', NULL, '', now()), ('b', '5', '', now());
	       UPDATE rowcall.sessions SET expires_at = now() + '1 day', user_id = user_id;
	       UPDATE rowcall.sessions SET user_id = '6' WHERE token_hash = 'a';
	       INSERT INTO rowcall.sessions VALUES ('b', '5', 'x', now()) ON CONFLICT (token_hash) DO UPDATE SET user_id = EXCLUDED.user_id, data = EXCLUDED.data`)
	d.expect()
	d.run(`UPDATE rowcall.sessions SET user_id = '7' WHERE token_hash = 'b'`)
	d.expect(asked)
	d.run(`UPDATE rowcall.sessions SET user_id = '5' WHERE token_hash = 'b'`)
	d.events()
	d.run(`DELETE FROM rowcall.sessions WHERE token_hash = 'b'`)
	d.expect(asked)
	d.run(`INSERT INTO rowcall.sessions VALUES ('c', NULL, '', now()); DELETE FROM rowcall.sessions WHERE token_hash = 'c'`)
	d.expect()
}
