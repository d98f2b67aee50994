package notifier_test

import (
	"encoding/json"
	"testing"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// TestTheLatestIsEnoughForASlowReader lets a reader fall behind on ten jobs that each go through a
// hundred states: the newest state of each comes, and what was skipped is counted exactly.
func TestTheLatestIsEnoughForASlowReader(t *testing.T) {
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{QueueEvents: 25, ReplayEvents: 100})
	slow := follow(t, n, notifier.Request{Latest: "id"}, "jobs")
	quick := follow(t, n, notifier.Request{}, "jobs")
	for state := range 100 {
		db.Exec(t, `SELECT rowcall.publish('jobs/1', 'test', json_build_object('id', id, 'state', $1::int)) FROM generate_series(1, 10) AS id`, state)
		for range 10 {
			quick.event()
		}
	}
	told := make(map[int]int) // delivered and skipped, a job each
	last := make(map[int]int)
	for total := 0; total < 1000; {
		taken, err := slow.sub.Take(64)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range taken.Events {
			var job struct{ ID, State int }
			if err := json.Unmarshal(e.Data, &job); err != nil {
				t.Fatal(err)
			}
			told[job.ID] += 1 + taken.Skipped
			total += 1 + taken.Skipped
			if next := last[job.ID] + taken.Skipped; job.State != next {
				t.Errorf("job %d: state %d after %d, with %d skipped", job.ID, job.State, last[job.ID], taken.Skipped)
			}
			last[job.ID] = job.State + 1
		}
	}
	for id := 1; id <= 10; id++ {
		if told[id] != 100 || last[id] != 100 {
			t.Errorf("job %d: %d of 100 events accounted for, the last state %d", id, told[id], last[id]-1)
		}
	}
	slow.silent(db, "jobs/1")
}
