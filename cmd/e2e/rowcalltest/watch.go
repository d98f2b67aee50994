package rowcalltest

import (
	"net/url"
	"testing"

	"rowcall/schema/schematest"
)

// WatchProcess is a running rowcall watch.
type WatchProcess struct {
	*Program
	Told *Output // what it writes to stderr
}

// StartWatch starts rowcall watch and waits until it follows its tables.
func StartWatch(t *testing.T, database string, args ...string) *WatchProcess {
	t.Helper()
	told := NewOutput()
	env := map[string]string{"ROWCALL_DATABASE_URL": database}
	w := &WatchProcess{StartTelling(t, env, told, append([]string{"watch"}, args...)...), told}
	w.Says(t, "Changes follow.")
	return w
}

// Says waits for a line on stderr that begins with a word, and returns the rest of it.
func (w *WatchProcess) Says(t *testing.T, word string) string {
	t.Helper()
	return w.Told.After(t, word, w.Ended)
}

// OwnerURL gives all tables of schema public to a role that may create schemas in the database, and nothing else, and returns
// the URL of the database for that role.
func OwnerURL(t *testing.T, db *schematest.Database) string {
	t.Helper()
	role := "owner_" + db.Name
	db.Exec(t, `CREATE ROLE `+role+` LOGIN PASSWORD '`+Password+`'; GRANT CREATE ON DATABASE `+db.Name+` TO `+role+`;
		DO $$ DECLARE t record; BEGIN
			FOR t IN SELECT c.oid::regclass AS name FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') LOOP
				EXECUTE format('ALTER TABLE %s OWNER TO `+role+`', t.name);
			END LOOP;
		END $$`)
	t.Cleanup(func() {
		db.Exec(t, `REASSIGN OWNED BY `+role+` TO CURRENT_USER; DROP OWNED BY `+role+`; DROP ROLE `+role)
	})
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, Password)
	return u.String()
}
