package triggers_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rowcall/schema/schematest"
	"rowcall/triggers"
)

// breakAll makes every fault.
const breakAll = `
		DROP FUNCTION rowcall.revalidate_user;
		ALTER FUNCTION rowcall.publish SET search_path = public;
		ALTER FUNCTION rowcall.cursor SECURITY INVOKER;
		ALTER FUNCTION rowcall.fields VOLATILE;
		ALTER FUNCTION rowcall.log_state OWNER TO postgres;
		GRANT EXECUTE ON FUNCTION rowcall.utf8 TO PUBLIC;
		CREATE OR REPLACE FUNCTION rowcall.flip_gate(expected bigint) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ BEGIN RETURN 1; END $$;
		DROP TRIGGER "0_rowcall" ON chat_messages;
		ALTER TABLE chat_rooms DISABLE TRIGGER "0_rowcall";
		ALTER TABLE dams ENABLE TRIGGER "0_rowcall";
		ALTER TABLE hydrographs ENABLE REPLICA TRIGGER "0_rowcall";
		CREATE OR REPLACE TRIGGER "0_rowcall" AFTER INSERT ON patients FOR EACH ROW EXECUTE FUNCTION rowcall.on_patients();
		CREATE OR REPLACE TRIGGER "0_rowcall" AFTER INSERT ON users FOR EACH ROW WHEN (NEW.id > 1) EXECUTE FUNCTION rowcall.on_patients();
		DROP TABLE job_postings;
		DROP TRIGGER "0_rowcall" ON "Django ""sessions"""`

// broken are the faults that breakAll makes.
func broken() []string {
	return []string{
		"function missing:  rowcall.revalidate_user",
		"function settings:  rowcall.publish",
		"function security:  rowcall.cursor",
		"function outdated:  rowcall.fields",
		"function owner:  rowcall.log_state",
		"function public:  rowcall.utf8",
		"function outdated:  rowcall.flip_gate",
		`trigger missing: public.chat_messages "0_rowcall"`,
		`trigger disabled: public.chat_rooms "0_rowcall"`,
		`trigger mode: public.dams "0_rowcall"`,
		`trigger replica only: public.hydrographs "0_rowcall"`,
		`table missing: public.job_postings "0_rowcall"`,
		`trigger outdated: public.patients "0_rowcall"`,
		`trigger replaced: public.users "0_rowcall"`,
		`trigger missing: public."Django ""sessions""" "0_rowcall"`,
	}
}

// TestCompare breaks functions and triggers in every way, and finds each fault once. It reads while every table is locked.
func TestCompare(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	d := at(t, db)
	d.run(`CREATE TABLE public."Django ""sessions""" (session_key varchar(40) PRIMARY KEY, session_data text, expire_date timestamptz)`)
	o := triggers.Options{Apps: true, Django: `public."Django ""sessions"""`, Logger: quiet.Logger}
	if err := triggers.Install(t.Context(), db.DB(t), o); err != nil {
		t.Fatal(err)
	}
	compare := func() (faults []string) {
		t.Helper()
		found, err := triggers.Compare(t.Context(), db.DB(t), o)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			faults = append(faults, fmt.Sprint(f.Fault, ": ", f.Table, " ", f.Object))
		}
		return faults
	}
	if found := compare(); found != nil {
		t.Errorf("after an installation: got %q, want nothing", found)
	}
	d.run(breakAll)
	at(t, db).run(`BEGIN; LOCK TABLE users, chat_rooms, chat_messages, patients, dams, rowcall.log, rowcall.sessions IN ACCESS EXCLUSIVE MODE`)
	got := map[string]int{}
	for _, fault := range compare() {
		got[fault]++
	}
	want := map[string]int{}
	for _, fault := range broken() {
		want[fault]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}
