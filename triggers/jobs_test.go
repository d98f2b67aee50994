package triggers_test

import (
	"testing"

	"rowcall/schema/schematest"
)

// A job that a user has started goes through its states, a step for each time it is due.
func TestJobsWork(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	d, node := at(t, db), at(t, db)
	node.run(`SET ROLE rowcall_server`)
	work := func(want int, saved ...row) {
		t.Helper()
		d.run(`UPDATE job_runs SET due_at = now()`)
		if got := one[int](node, `SELECT rowcall.jobs_work()`); got != want {
			t.Errorf("%d jobs took a step, want %d", got, want)
		}
		d.expect(saved...)
	}
	step := func(state, progress string) row {
		return row{"jobs/3", "job_posting.saved", "", `{"id":50,"state":"` + state + `","title":"Sort","progress":` + progress + `}`}
	}
	work(0) // the samples' jobs are not worked on

	d.run(`ALTER TABLE job_postings ALTER id RESTART WITH 50; BEGIN;
		SELECT set_config('role', 'rowcall_app', true), set_config('rowcall.user_id', '3', true); SELECT rowcall.jobs_start(' Sort '); COMMIT`)
	d.expect(step("queued", "0"))
	if got := one[int](node, `SELECT rowcall.jobs_work()`); got != 0 {
		t.Errorf("%d jobs took a step before they were due", got)
	}
	for _, next := range []row{step("running", "0"), step("running", "25"), step("running", "50"), step("running", "75"), step("done", "100")} {
		work(1, next)
	}
	work(0)

	d.run(`INSERT INTO job_runs VALUES (99, now())`)
	work(1) // it is gone
	work(0)
}
