package triggers_test

import (
	"os"
	"strings"
	"testing"

	"rowcall/schema/schematest"
)

// ownTrigger returns the table and the trigger of docs/howto/own-trigger.md, word for word.
func ownTrigger(t *testing.T) (table, trigger string) {
	t.Helper()
	page, err := os.ReadFile("../docs/howto/own-trigger.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(first, last string) string {
		_, text, _ := strings.Cut(string(page), "\n"+first)
		text, _, found := strings.Cut(text, last)
		if !found {
			t.Fatalf("docs/howto/own-trigger.md has no lines from %q to %q", first, last)
		}
		return first + text + last
	}
	return block("CREATE TABLE tasks (", "\n);"), block("CREATE FUNCTION on_tasks()", `ENABLE ALWAYS TRIGGER "0_rowcall";`)
}

// The trigger that the manual shows tells of each task, and does so for sessions that were open when the table
// changed.
func TestOwnTrigger(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	d, other := at(t, db), at(t, db)
	table, trigger := ownTrigger(t)
	d.run(table + trigger)
	task := func(kind, data string) row { return row{"projects/1", "task." + kind, "", data} }
	const milk = `{"id":1,"title":"Buy milk","done":false}`

	d.run(`INSERT INTO tasks (project_id, title) VALUES (1, 'Buy milk'); UPDATE tasks SET done = true`)
	d.expect(task("insert", milk), task("update", `{"id":1,"title":"Buy milk","done":true}`))
	for _, change := range []string{
		`ALTER TABLE tasks ALTER project_id TYPE int`, `ALTER TABLE tasks ALTER title TYPE varchar(200)`,
		`ALTER TABLE tasks ADD extra json DEFAULT '{"a":"\u0000"}'`,
	} {
		other.run(change)
		d.run(`UPDATE tasks SET done = false`)
		d.expect(task("update", milk))
	}
	other.run(`ALTER TABLE tasks RENAME title TO name`)
	d.run(`SET session_replication_role = replica; DELETE FROM tasks`)
	d.expect(task("delete", `{"id":1,"title":null,"done":false}`))
}

// The same trigger on a partitioned table whose partitions have their columns in another order.
func TestOwnTriggerOnPartitions(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.CoreOnly))
	_, trigger := ownTrigger(t)
	d.run(`CREATE TABLE tasks (id bigint NOT NULL, project_id bigint NOT NULL, title text NOT NULL, done boolean NOT NULL DEFAULT false) PARTITION BY LIST (project_id);
		CREATE TABLE first PARTITION OF tasks FOR VALUES IN (1);
		CREATE TABLE second (dropped int, title text NOT NULL, project_id bigint NOT NULL, done boolean NOT NULL DEFAULT false, id bigint NOT NULL);
		ALTER TABLE second DROP dropped; ALTER TABLE tasks ATTACH PARTITION second FOR VALUES IN (2)`)
	d.run(trigger)
	d.run(`SET session_replication_role = replica; INSERT INTO tasks VALUES (1, 1, 'a', true), (2, 2, 'b', true); UPDATE second SET id = 3`)
	d.expect(
		row{"projects/1", "task.insert", "", `{"id":1,"title":"a","done":true}`},
		row{"projects/2", "task.insert", "", `{"id":2,"title":"b","done":true}`},
		row{"projects/2", "task.update", "", `{"id":3,"title":"b","done":true}`})
}
