package triggers_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"rowcall/schema/schematest"
	"rowcall/testdeadline"
	"rowcall/triggers"
)

const (
	djangoTables = `CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL)`
	djangoRow    = `INSERT INTO django_session VALUES ('abcdefgh01234567', 'signed', now() + interval '1 day')`
	djangoKey    = "abcdefgh01234567"
)

var withDjango = triggers.Options{Apps: true, Django: "django_session", Logger: quiet.Logger}

func openDjango(t *testing.T) *desk {
	t.Helper()
	db := schematest.New(t)
	d := at(t, db)
	d.run(djangoTables)
	if err := triggers.Install(t.Context(), db.DB(t), withDjango); err != nil {
		t.Fatal(err)
	}
	return d
}

// ended is the access event of a session that has ended: with a hash, and not with the key.
func ended(key string) row {
	sum := sha256.Sum256([]byte(key))
	return row{"", "rowcall.access", "", `{"user_id":"django:` + hex.EncodeToString(sum[:]) + `"}`}
}

func TestDjangoSessions(t *testing.T) {
	t.Parallel()
	d := openDjango(t)
	for name, c := range map[string]struct {
		sql  string
		want []row
	}{
		"logout":              {djangoRow + `; DELETE FROM django_session`, []row{ended(djangoKey)}},
		"saved":               {djangoRow + `; UPDATE django_session SET session_data = 'x', expire_date = now() + interval '2 days'; DELETE FROM django_session`, []row{ended(djangoKey)}},
		"made to expire":      {djangoRow + `; UPDATE django_session SET expire_date = now(); DELETE FROM django_session`, []row{ended(djangoKey)}},
		"cleared, being old":  {`INSERT INTO django_session SELECT 'old' || n || 'xxxxx', '', now() FROM generate_series(1, 100) n; DELETE FROM django_session`, nil},
		"a key of no site's":  {`INSERT INTO django_session VALUES ('ÄÖÜ''"\x', '', now() + interval '1 day'); DELETE FROM django_session`, nil},
		"all":                 {djangoRow + `; TRUNCATE django_session`, []row{{"", "rowcall.access", "", "{}"}}},
		"rolled back":         {`BEGIN; ` + djangoRow + `; DELETE FROM django_session; ROLLBACK`, nil},
		"while rows are sent": {`SET session_replication_role = replica; ` + djangoRow + `; DELETE FROM django_session; RESET session_replication_role`, []row{ended(djangoKey)}},
	} {
		d.run(c.sql)
		if diff := cmp.Diff(c.want, d.events()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// The site may change its table: logins that end are told by sessions that were open by then, too.
func TestDjangoSessionsOfAnotherShape(t *testing.T) {
	t.Parallel()
	d := openDjango(t)
	d.run(djangoRow + `; DELETE FROM django_session`)
	d.expect(ended(djangoKey))
	for _, change := range []string{
		`ALTER TABLE django_session ALTER session_key TYPE text`,
		`ALTER TABLE django_session ALTER expire_date TYPE timestamptz(0)`,
		`ALTER TABLE django_session RENAME expire_date TO ends`,
	} {
		d.run(change + `; ` + djangoRow + `; DELETE FROM django_session`)
		if diff := cmp.Diff([]row{ended(djangoKey)}, d.events()); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", change, diff)
		}
	}
	d.run(`ALTER TABLE django_session RENAME session_key TO key; ` + djangoRow + `; DELETE FROM django_session`)
	d.expect(row{"", "rowcall.access", "", "{}"})
}

// A site's role needs no right on anything of Rowcall's, and has none.
func TestDjangoSessionsOfAnOrdinaryRole(t *testing.T) {
	t.Parallel()
	d := openDjango(t)
	role := "site_" + one[string](d, "SELECT current_database()")
	d.run(`CREATE ROLE ` + role + `; GRANT ALL ON django_session TO ` + role)
	t.Cleanup(func() { d.drop(role) })
	d.run(`SET ROLE ` + role + `; SET search_path = pg_temp; ` + strings.ReplaceAll(djangoRow, "django_session", "public.django_session") + `; DELETE FROM public.django_session; RESET ROLE`)
	d.expect(ended(djangoKey))
}

// Installing twice takes no lock and writes nothing; what was changed by hand is repaired.
func TestDjangoInstall(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	d, holder := at(t, db), at(t, db)
	d.run(`CREATE SCHEMA "the site"; SET search_path = "the site"; ` + strings.ReplaceAll(djangoTables, "django_session", `"Sessions"`) + `; RESET search_path`)
	o := withDjango
	o.Django = `"the site"."Sessions"`
	install := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), testdeadline.Hang())
		defer cancel()
		if err := triggers.Install(ctx, db.DB(t), o); err != nil {
			t.Fatal(err)
		}
	}
	install()
	const state = `SELECT array_agg(concat_ws(' ', oid, xmin, pg_get_triggerdef(oid), tgenabled) ORDER BY oid) FROM pg_trigger WHERE tgrelid = '"the site"."Sessions"'::regclass`
	want := one[[]string](d, state)
	holder.run(`BEGIN; LOCK TABLE "the site"."Sessions" IN ACCESS EXCLUSIVE MODE`)
	install()
	holder.run(`ROLLBACK`)
	if diff := cmp.Diff(want, one[[]string](d, state)); diff != "" || len(want) != 2 {
		t.Errorf("a second installation writes (-before +after):\n%s", diff)
	}
	d.run(`ALTER TABLE "the site"."Sessions" DISABLE TRIGGER "0_rowcall"; DROP FUNCTION rowcall.on_django_session() CASCADE`)
	install()
	d.run(strings.ReplaceAll(djangoRow, "django_session", `"the site"."Sessions"`) + `; DELETE FROM "the site"."Sessions"`)
	d.expect(ended(djangoKey))
}

// Without the setting nothing is installed; of a table that is not there, or not the migrating role's, the log
// says so, and all else is installed.
func TestDjangoLeftOut(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	d := at(t, db)
	role := "migrator_" + db.Name
	d.run(`CREATE ROLE ` + role + `; GRANT rowcall_owner TO ` + role)
	t.Cleanup(func() { d.drop(role) })
	as, err := sql.Open("pgx", db.URL+"&role="+role)
	if err != nil {
		t.Fatal(err)
	}
	defer as.Close()
	for _, c := range []struct{ prepare, table, want string }{
		{`SELECT`, "", ""},
		{`SELECT`, "django_session", "is not there"},
		{`SELECT`, `"""; DROP TABLE users--"`, "is not there"},
		{djangoTables, "django_session", "may not create one"},
	} {
		var said bytes.Buffer
		d.run(c.prepare)
		o := triggers.Options{Django: c.table, Logger: slog.New(slog.NewTextHandler(&said, nil))}
		if err := triggers.Install(t.Context(), as, o); err != nil || !strings.Contains(said.String(), c.want) {
			t.Errorf("%q: %v, %s", c.table, err, said.String())
		}
		if c.table == "" && one[bool](d, `SELECT to_regproc('rowcall.on_django_session') IS NOT NULL`) {
			t.Error("the function is there without the setting")
		}
	}
	d.run(djangoRow + `; DELETE FROM django_session`)
	d.expect()
}

// drop removes a role of the test's after the test.
func (d *desk) drop(role string) {
	_, err := d.Exec(context.Background(), `RESET ROLE; DROP OWNED BY `+role+`; DROP ROLE `+role, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		d.t.Error(err)
	}
}
