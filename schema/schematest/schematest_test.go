package schematest_test

import (
	"context"
	"fmt"
	"testing"

	"rowcall/schema/schematest"
)

func TestMain(m *testing.M) { schematest.Main(m) }

// A test's database is its own: what one does another does not see.
func TestNewIsSeparate(t *testing.T) {
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.Empty)
			db.Exec(t, "CREATE TABLE mine (n int); INSERT INTO mine VALUES (1)")
			if got := db.Psql(t, "SELECT count(*), current_database() FROM mine;\n"); got != "1|"+db.Name {
				t.Errorf("psql says %q", got)
			}
		})
	}
}

// A database without options has the core and the apps, without sample rows.
func TestContents(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		options    []schematest.Option
		core, apps bool
	}{
		{nil, true, true},
		{[]schematest.Option{schematest.Samples}, true, true},
		{[]schematest.Option{schematest.CoreOnly}, true, false},
		{[]schematest.Option{schematest.Empty}, false, false},
	} {
		db := schematest.New(t, c.options...)
		got := db.Psql(t, "SELECT to_regclass('rowcall.log') IS NOT NULL, to_regclass('public.users') IS NOT NULL;")
		if want := letter(c.core) + "|" + letter(c.apps); got != want {
			t.Errorf("options %v: core and apps are %s, want %s", c.options, got, want)
		}
	}
}

func TestSamples(t *testing.T) {
	t.Parallel()
	const accounts = "SELECT count(*) > 0 FROM public.users;"
	if got := schematest.New(t).Psql(t, accounts); got != "f" {
		t.Error("a plain database has sample accounts")
	}
	if got := schematest.New(t, schematest.Samples).Psql(t, accounts); got != "t" {
		t.Error("a database with samples has no accounts")
	}
}

// letter is how psql prints a boolean.
func letter(b bool) string {
	if b {
		return "t"
	}
	return "f"
}

// A private server can be killed and started again, on its port and with its data.
func TestPrivateSurvivesKill(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.Empty)
	db.Exec(t, "CREATE TABLE kept (n int)")
	db.Exec(t, "INSERT INTO kept VALUES (1)")
	for _, end := range []func(testing.TB){db.Kill, db.Stop} {
		end(t)
		db.Start(t)
		db.Exec(t, "INSERT INTO kept VALUES (1)")
	}
	var n int
	if err := db.Pool(t).QueryRow(context.Background(), "SELECT count(*) FROM kept").Scan(&n); err != nil || n != 3 {
		t.Errorf("%d rows, %v; want 3", n, err)
	}
}
