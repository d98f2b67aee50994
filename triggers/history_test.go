package triggers_test

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/schema/schematest"
)

// The text of a cursor is the snapshot in another spelling: epoch.xmin.(xmax-xmin){.(x-xmin)}.
func TestCursorText(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	d := at(t, db)
	epoch := one[string](d, `SELECT rowcall.epoch()`)
	check := func() {
		t.Helper()
		var cursor, snapshot string
		if err := d.QueryRow(t.Context(), `SELECT rowcall.cursor(), pg_current_snapshot()::text`).Scan(&cursor, &snapshot); err != nil {
			t.Fatal(err)
		}
		if want := epoch + spell(t, snapshot); cursor != want {
			t.Errorf("cursor %s of snapshot %s, want %s", cursor, snapshot, want)
		}
	}
	check()
	for i := range 3 { // transactions in progress, with others done in between
		writer := at(t, db)
		writer.run(fmt.Sprintf(`BEGIN; INSERT INTO dams (id) VALUES (%d)`, i))
		d.run(`SELECT rowcall.publish('a', 'x', '{}')`)
		check()
	}

	// The whole transaction has one snapshot, so that a page may read its rows in several statements.
	d.run(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`)
	check()
	first := one[string](d, `SELECT rowcall.cursor()`)
	at(t, db).run(`INSERT INTO dams (id) VALUES (9)`)
	if again := one[string](d, `SELECT rowcall.cursor()`); again != first {
		t.Errorf("the transaction's cursor moved from %s to %s", first, again)
	}
	d.run(`COMMIT`)
}

// spell writes a snapshot as the grammar of cursors wants it.
func spell(t *testing.T, snapshot string) string {
	t.Helper()
	parts := strings.Split(snapshot, ":")
	number := func(s string) uint64 {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("snapshot %s: %v", snapshot, err)
		}
		return n
	}
	low := number(parts[0])
	text := fmt.Sprintf(".%x.%x", low, number(parts[1])-low)
	if parts[2] != "" {
		for x := range strings.SplitSeq(parts[2], ",") {
			text += fmt.Sprintf(".%x", number(x)-low)
		}
	}
	return text
}

// refuses checks that a statement fails with a hint for who reads it.
func refuses(t *testing.T, d *desk, sql, message string) {
	t.Helper()
	_, err := d.Exec(t.Context(), sql)
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || !strings.Contains(refused.Message, message) || refused.Hint == "" {
		t.Errorf("%s: %v, want an error that says %q with a hint", sql, err, message)
	}
}

func TestCursorRefuses(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t))
	refuses(t, d, `SELECT rowcall.cursor()`, "no epoch")
	one[string](d, `SELECT rowcall.epoch()`)

	d.run(`BEGIN; INSERT INTO dams (id) VALUES (1)`)
	refuses(t, d, `SELECT rowcall.cursor()`, "has written")
	d.run(`ROLLBACK; BEGIN; SAVEPOINT s; INSERT INTO dams (id) VALUES (1); RELEASE s`)
	refuses(t, d, `SELECT rowcall.cursor()`, "has written")
	d.run(`ROLLBACK`)

	// A boot row that came in with a dump names another history.
	d.run(`UPDATE rowcall.boot SET database_oid = 1`)
	refuses(t, d, `SELECT rowcall.cursor()`, "no epoch")
}

func TestEpoch(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	d := at(t, db)
	first := one[string](d, `SELECT rowcall.epoch()`)
	if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(first) {
		t.Errorf("epoch %q is not 16 hexadecimal digits", first)
	}
	if again := one[string](at(t, db), `SELECT rowcall.epoch()`); again != first {
		t.Errorf("asked again it is %s, was %s", again, first)
	}
	d.run(`TRUNCATE rowcall.boot`) // as a crash does
	second := one[string](d, `SELECT rowcall.epoch()`)
	third := one[string](d, `SELECT rowcall.new_epoch()`)
	if second == first || third == second || third == first {
		t.Errorf("epochs repeat: %s, %s, %s", first, second, third)
	}
	if now := one[string](d, `SELECT rowcall.epoch()`); now != third {
		t.Errorf("epoch is %s, was %s", now, third)
	}
	if n := one[int](d, `SELECT count(*) FROM rowcall.boot`); n != 1 {
		t.Errorf("boot has %d rows", n)
	}
	d.run(`TRUNCATE rowcall.boot`)
	if fourth := one[string](d, `SELECT rowcall.new_epoch()`); fourth == third {
		t.Errorf("epochs repeat: %s", fourth)
	}
}

// Nodes that find no epoch at once agree on one.
func TestEpochRace(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	desks := make([]*desk, 8)
	for i := range desks {
		desks[i] = at(t, db)
	}
	for _, ruin := range []string{`TRUNCATE rowcall.boot`, `UPDATE rowcall.boot SET system_identifier = 1`} {
		desks[0].run(ruin)
		epochs := make([]string, len(desks))
		var all sync.WaitGroup
		for i, d := range desks {
			all.Go(func() { epochs[i] = one[string](d, `SELECT rowcall.epoch()`) })
		}
		all.Wait()
		for _, epoch := range epochs {
			if epoch != epochs[0] {
				t.Errorf("after %s nodes disagree: %v", ruin, epochs)
				break
			}
		}
	}
}

// A dump that came in brings events and a floor whose transaction ids mean nothing here.
func TestForeignHistory(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.CoreOnly))
	const kept = `SELECT string_agg(topic, ',' ORDER BY id) FROM rowcall.log`
	one[string](d, `SELECT rowcall.epoch()`)
	d.run(`SELECT rowcall.publish('old', 'x', '{}');
	       UPDATE rowcall.floor SET xid = '99999999999'; UPDATE rowcall.boot SET database_oid = 1`)
	one[string](d, `SELECT rowcall.epoch()`)
	if got := one[*string](d, kept); got != nil {
		t.Errorf("foreign events are left: %s", *got)
	}
	if floor := one[string](d, `SELECT xid::text FROM rowcall.floor`); floor != "0" {
		t.Errorf("floor is %s", floor)
	}

	// A crash leaves this history's events; those of a dump without boot are told by ids still to come.
	d.run(publish("mine") + `INSERT INTO rowcall.log (slot, topic, type, xid) VALUES (1, 'foreign', 'x', '99999999999'); TRUNCATE rowcall.boot`)
	one[string](d, `SELECT rowcall.epoch()`)
	if got := one[string](d, kept); got != "mine" {
		t.Errorf("kept %s, want mine", got)
	}
}

// A crash of the server begins a new history, a clean restart does not.
func TestEpochAndRestarts(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.CoreOnly)
	epoch := func() string { return one[string](at(t, db), `SELECT rowcall.epoch()`) }
	first := epoch()
	db.Stop(t)
	db.Start(t)
	if got := epoch(); got != first {
		t.Errorf("a clean restart changed the epoch from %s to %s", first, got)
	}
	db.Kill(t)
	db.Start(t)
	if got := epoch(); got == first {
		t.Errorf("a crash left the epoch at %s", got)
	}
}
