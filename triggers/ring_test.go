package triggers_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rowcall/schema/schematest"
)

// ear hears the rings of a database.
type ear struct {
	*desk
	writer *desk
}

func listen(t testing.TB, db *schematest.Database) *ear {
	t.Helper()
	e := &ear{desk: at(t, db), writer: at(t, db)}
	e.run(`LISTEN rowcall; LISTEN done`)
	return e
}

// heard returns the rings of what has committed before the call: notifications arrive in the order of commits.
func (e *ear) heard() []string {
	e.t.Helper()
	e.writer.run(`NOTIFY done`)
	var rings []string
	for {
		n, err := e.WaitForNotification(e.t.Context())
		if err != nil {
			e.t.Fatalf("wait for a ring: %v", err)
		}
		if n.Channel == "done" {
			return rings
		}
		rings = append(rings, n.Payload)
	}
}

func (e *ear) expect(want ...string) {
	e.t.Helper()
	if diff := cmp.Diff(want, e.heard()); diff != "" {
		e.t.Errorf("rings (-want +got):\n%s", diff)
	}
}

func publish(topic string) string { return `SELECT rowcall.publish('` + topic + `', 'x', '{}');` }

func ringOf(topic string) string { return `{"topic":"` + topic + `"}` }

// Odd: every topic of a transaction rings once. Even: nobody rings, and the log is written all the same.
func TestGate(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	d, e := at(t, db), listen(t, db)
	d.run(publish("room/5") + publish("room/5") + publish("room/6"))
	e.expect(ringOf("room/5"), ringOf("room/6"))

	if got := one[int](d, `SELECT rowcall.flip_gate(7)`); got != 1 {
		t.Errorf("the gate is at %d, want 1: nobody expected it there", got)
	}
	e.expect()
	if got := one[int](d, `SELECT rowcall.flip_gate(1)`); got != 2 {
		t.Errorf("the gate is at %d, want 2", got)
	}
	e.expect(`{"gate":2}`)
	d.events()
	d.run(publish("room/5"))
	e.expect()
	if len(d.events()) != 1 {
		t.Error("an even gate must not stop the log")
	}
	one[int](d, `SELECT rowcall.flip_gate(2)`)
	d.run(publish("room/5"))
	e.expect(`{"gate":3}`, ringOf("room/5"))
}

// A transaction whose snapshot is older than a flip sees it all the same.
func TestGateOutsideSnapshots(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	d, other, e := at(t, db), at(t, db), listen(t, db)
	for _, level := range []string{"REPEATABLE READ", "SERIALIZABLE"} {
		d.run(`BEGIN ISOLATION LEVEL ` + level + `; SELECT count(*) FROM rowcall.log`)
		other.run(`SELECT rowcall.flip_gate(rowcall.gate_generation())`)
		d.run(publish("a") + `COMMIT`)
		other.run(`SELECT rowcall.flip_gate(rowcall.gate_generation())`)
	}
	e.expect(`{"gate":2}`, `{"gate":3}`, `{"gate":4}`, `{"gate":5}`)
}

// After four topics a transaction rings once for all, and is silent from then on.
func TestManyTopics(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	d, e := at(t, db), listen(t, db)
	d.run(publish("a") + publish("b") + publish("c") + publish("d") + publish("a") + publish("d"))
	e.expect(ringOf("a"), ringOf("b"), ringOf("c"), ringOf("d"))
	d.run(publish("a") + publish("b") + publish("c") + publish("d") + publish("e") + publish("f") + publish("g"))
	e.expect(ringOf("a"), ringOf("b"), ringOf("c"), ringOf("d"), `{}`)
	d.run(`SELECT rowcall.publish('t/' || n, 'x', '{}') FROM generate_series(1, 1000) n`)
	e.expect(ringOf("t/1"), ringOf("t/2"), ringOf("t/3"), ringOf("t/4"), `{}`)
	d.run(publish("a"))
	e.expect(ringOf("a")) // the next transaction begins anew
}

// What a ring cannot name, it does not name.
func TestNamelessRings(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	d, e := at(t, db), listen(t, db)
	for _, sql := range []string{
		`SELECT rowcall.publish(repeat('a', 201), 'x', '{}')`,
		`SELECT rowcall.publish(E'a\nb', 'x', '{}')`,
		`SELECT rowcall.revalidate('room/5')`,
		`SELECT rowcall.revalidate('room/5', '7')`,
		`SELECT rowcall.revalidate_user('7')`,
	} {
		d.run(sql)
		e.expect(`{}`)
	}
	d.run(`SELECT rowcall.publish(repeat('a', 200), 'x', '{}')`)
	if rings := e.heard(); len(rings) != 1 || rings[0] == `{}` {
		t.Errorf("a topic of 200 bytes rings %q", rings)
	}
	d.run(`SELECT rowcall.publish('"}\', 'x', '{}')`)
	e.expect(`{"topic":"\"}\\"}`)
}

// A ring that was rolled back is rung again: what counts as rung is undone with the savepoint.
func TestRingsAndSavepoints(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	d, e := at(t, db), listen(t, db)
	d.run(`BEGIN; ` + publish("a") + `SAVEPOINT s; ` + publish("b") + `ROLLBACK TO s; ` + publish("b") + `COMMIT`)
	e.expect(ringOf("a"), ringOf("b"))

	d.run(`BEGIN; SAVEPOINT s; SELECT rowcall.publish('t/' || n, 'x', '{}') FROM generate_series(1, 9) n; ROLLBACK TO s; ` +
		publish("a") + `COMMIT`)
	e.expect(ringOf("a"))

	d.run(`BEGIN; SAVEPOINT s; ` + publish("a") + `RELEASE s; ` + publish("a") + `COMMIT`)
	e.expect(ringOf("a"))

	d.run(`BEGIN; ` + publish("a") + `ROLLBACK; ` + publish("b"))
	e.expect(ringOf("b"))

	d.events()
	d.run(`DO $$ BEGIN
	           BEGIN PERFORM rowcall.publish('a', 'x', '{}'); RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END;
	           PERFORM rowcall.publish('a', 'y', '{}');
	       END $$`)
	e.expect(ringOf("a"))
	d.expect(row{"a", "y", "", "{}"})
}

// Whatever a session has put where publish keeps its note, nothing is lost and nothing fails.
func TestRingsDespiteTheSession(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	d, e := at(t, db), listen(t, db)
	for i, value := range []string{"''", "'x'", "'1'", `E'1\n*'`, "repeat('9', 1000000)", `E'\n\n\n\n\n\n\n'`, `E'\na\n'`, "' *'"} {
		topic := fmt.Sprintf("a/%d", i)
		d.run(`SELECT set_config('rowcall.rung', ` + value + `, false)`)
		d.run(publish(topic))
		e.expect(ringOf(topic))
		d.run(`BEGIN; SELECT set_config('rowcall.rung', ` + value + `, true); ` + publish(topic) + publish(topic) + `COMMIT`)
		e.expect(ringOf(topic))
	}
}
