package triggers_test

import (
	"path/filepath"
	"testing"

	"rowcall/schema/schematest"
)

const logged = `SELECT count(*) FROM rowcall.log`

// A history that a restore has replaced is known for another one: events that were filed are gone, others come under the
// ids that they had, and the transactions that the log names are not those of this database.
func TestRestoresBeginANewHistory(t *testing.T) {
	t.Parallel()
	for name, restore := range map[string]func(t *testing.T, db *schematest.Database, dump string) *schematest.Database{
		"objects dropped and made again": func(t *testing.T, db *schematest.Database, dump string) *schematest.Database {
			db.Program(t, "pg_restore", "--clean", "--if-exists", dump)
			return db
		},
		"the same in one transaction": func(t *testing.T, db *schematest.Database, dump string) *schematest.Database {
			db.Program(t, "pg_restore", "--clean", "--if-exists", "--single-transaction", dump)
			return db
		},
		"the schema dropped before": func(t *testing.T, db *schematest.Database, dump string) *schematest.Database {
			db.Exec(t, `DROP SCHEMA rowcall CASCADE; CREATE SCHEMA rowcall AUTHORIZATION rowcall_owner`)
			db.Program(t, "pg_restore", "--schema=rowcall", dump)
			return db
		},
		"data alone": func(t *testing.T, db *schematest.Database, dump string) *schematest.Database {
			db.Exec(t, `TRUNCATE rowcall.log, rowcall.boot, rowcall.floor, rowcall.sessions, rowcall.core_migrations`)
			db.Program(t, "pg_restore", "--data-only", "--schema=rowcall", dump)
			return db
		},
		"data alone, of boot": func(t *testing.T, db *schematest.Database, dump string) *schematest.Database {
			db.Exec(t, `DELETE FROM rowcall.boot`)
			db.Program(t, "pg_restore", "--data-only", "--schema=rowcall", "--table=boot", dump)
			return db
		},
		"into another database": func(t *testing.T, db *schematest.Database, dump string) *schematest.Database {
			other := schematest.New(t, schematest.Empty)
			other.Program(t, "pg_restore", dump)
			return other
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.CoreOnly)
			d := at(t, db)
			first := one[string](d, `SELECT rowcall.epoch()`)
			d.run(publish("a") + publish("b"))
			dump := filepath.Join(t.TempDir(), "dump")
			db.Program(t, "pg_dump", "--format=custom", "--file="+dump)
			d.run(publish("undone"))

			db = restore(t, db, dump)
			d = at(t, db)
			if refused := one[bool](d, `SELECT rowcall.known_epoch() IS NULL`); !refused {
				t.Error("the history that was restored counts as this database's own")
			}
			second := one[string](d, `SELECT rowcall.epoch()`)
			if second == first {
				t.Errorf("the epoch is %s, as before the restore", second)
			}
			if n := one[int](d, logged); n != 0 {
				t.Errorf("%d events of the other history are left", n)
			}
			d.run(publish("new"))
			if again, n := one[string](d, `SELECT rowcall.epoch()`), one[int](d, logged); again != second || n != 1 {
				t.Errorf("asked again the epoch is %s, was %s, and there are %d events, want 1", again, second, n)
			}
		})
	}
}

// While a restore goes on, no history begins: it would take what the restore brings in later for its own, and its row
// would be in the way of the index that the restore makes last.
func TestNoHistoryBeginsInTheMiddleOfARestore(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	d := at(t, db)
	first := one[string](d, `SELECT rowcall.epoch()`)
	d.run(publish("a") + `SELECT rowcall.note_run()`)
	dump := filepath.Join(t.TempDir(), "dump")
	db.Program(t, "pg_dump", "--format=custom", "--file="+dump)
	for _, section := range []string{"pre-data", "data"} {
		if section == "pre-data" {
			db.Program(t, "pg_restore", "--clean", "--if-exists", "--section="+section, dump)
		} else {
			db.Program(t, "pg_restore", "--section="+section, dump)
		}
		d = at(t, db)
		refuses(t, d, `SELECT rowcall.epoch()`, "not restored completely")
		refuses(t, d, `SELECT rowcall.new_epoch()`, "not restored completely")
		d.run(`SELECT rowcall.note_run()`)
	}
	db.Program(t, "pg_restore", "--section=post-data", dump)
	d = at(t, db)
	second := one[string](d, `SELECT rowcall.epoch()`)
	if n := one[int](d, logged); second == first || n != 0 {
		t.Errorf("the epoch is %s, was %s; %d events of the other history are left", second, first, n)
	}
}

// A dump without the data of unlogged tables brings a log and no name for it.
func TestRestoreWithoutUnloggedData(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	d := at(t, db)
	first := one[string](d, `SELECT rowcall.epoch()`)
	d.run(publish("a") + `UPDATE rowcall.log SET xid = '99999999999'; ` + publish("b"))
	dump := filepath.Join(t.TempDir(), "dump")
	db.Program(t, "pg_dump", "--format=custom", "--no-unlogged-table-data", "--file="+dump)
	db.Program(t, "pg_restore", "--clean", "--if-exists", dump)
	d = at(t, db)
	second := one[string](d, `SELECT rowcall.epoch()`)
	if got := one[string](d, `SELECT string_agg(topic, ',') FROM rowcall.log`); second == first || got != "b" {
		t.Errorf("the epoch is %s, was %s; the log has %s, want b", second, first, got)
	}
}

// Maintenance of the table rowcall.boot, such as VACUUM, does not begin a new epoch.
func TestTheBootRowIsKept(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	d := at(t, db)
	d.run(`BEGIN; SAVEPOINT a; SAVEPOINT b`)
	first := one[string](d, `SELECT rowcall.epoch()`) // named by a savepoint's transaction
	d.run(`RELEASE b; COMMIT`)
	for _, change := range []string{`SELECT`, `VACUUM FREEZE rowcall.boot`, `VACUUM FULL rowcall.boot`, `CLUSTER rowcall.boot USING boot_one_row`, `REINDEX TABLE rowcall.boot`} {
		d.run(change)
		if got := one[string](d, `SELECT rowcall.epoch()`); got != first {
			t.Errorf("after %s the epoch is %s, was %s", change, got, first)
		}
	}
}

// A log of another history that is in use is not waited for. Its events would pass for new, so there is no epoch until
// they are gone; writers go to a slot that is clean meanwhile.
func TestForeignLogInUse(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	d, holder := at(t, db), at(t, db)
	one[string](d, `SELECT rowcall.epoch()`)
	const foreign = `INSERT INTO rowcall.log (slot, topic, type, xid) SELECT n % 4, 'foreign', 'x', (99999999999 + n)::text::xid8 FROM generate_series(1, 50000) n;`
	for name, ruin := range map[string]string{"a dump": `UPDATE rowcall.boot SET database_oid = 1`, "a dump without boot": `TRUNCATE rowcall.boot`} {
		d.run(foreign + ruin)
		holder.run(`BEGIN;` + publish("mine"))
		if got := one[*string](d, `SELECT rowcall.epoch()`); got != nil {
			t.Errorf("%s: there is an epoch %s while foreign events are left", name, *got)
		}
		d.run(publish("written meanwhile"))
		holder.run(`COMMIT`)
		if got := one[*string](d, `SELECT rowcall.epoch()`); got == nil {
			t.Errorf("%s: there is no epoch though nobody holds the log any more", name)
		}
		if n := one[int](d, logged+` WHERE topic = 'foreign'`); n != 0 {
			t.Errorf("%s: %d foreign events are left", name, n)
		}
		d.run(`TRUNCATE rowcall.log`)
	}

	// Events whose transactions have ended here long ago pass for new nowhere: they may stay for a while.
	d.run(publish("old") + `UPDATE rowcall.boot SET database_oid = 1`)
	holder.run(`BEGIN; LOCK TABLE rowcall.log IN ACCESS SHARE MODE`)
	if got := one[*string](d, `SELECT rowcall.epoch()`); got == nil {
		t.Error("there is no epoch while somebody reads a log that does no harm")
	}
}
