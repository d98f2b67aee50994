package main

import (
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

// TestUninstall checks that nothing is removed without --yes, and everything with it, also a second time.
func TestUninstall(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	env := environment(map[string]string{"ROWCALL_DATABASE_URL": db.URL})
	for _, step := range []struct {
		args        []string
		says, still string
	}{
		{[]string{"uninstall"}, "DROP SCHEMA rowcall CASCADE;\n", "true"},
		{[]string{"uninstall"}, "-- nothing was changed", "true"},
		{[]string{"uninstall", "--yes"}, "DROP SCHEMA rowcall CASCADE;\n", "false"},
		{[]string{"uninstall"}, "-- nothing of Rowcall is in this database", "false"},
		{[]string{"uninstall", "--yes"}, "-- nothing of Rowcall is in this database\n", "false"},
	} {
		out := &strings.Builder{}
		if err := run(t.Context(), step.args, env, out, rowcalltest.LogTo(t)); err != nil {
			t.Fatalf("%v: %v", step.args, err)
		}
		still := db.Text(t, `SELECT to_regnamespace('rowcall') IS NOT NULL`)
		if !strings.Contains(out.String(), step.says) || still != step.still {
			t.Errorf("%v prints %q, want %q; the schema is there: %s, want %s", step.args, out, step.says, still, step.still)
		}
	}
}

// TestUninstallRefused checks that an obstacle is named, in the plan and as an error.
func TestUninstallRefused(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE VIEW place AS SELECT rowcall.cursor()`)
	env := map[string]string{"ROWCALL_DATABASE_URL": db.URL}
	out := &strings.Builder{}
	if err := run(t.Context(), []string{"uninstall"}, environment(env), out, rowcalltest.LogTo(t)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"-- first: view public.place depends on schema rowcall", `uninstall --yes refuses until what is named under "first" is changed`} {
		if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "runs this") {
			t.Errorf("it prints %s, want %q in it", out, want)
		}
	}
	refusal{env: env, args: []string{"uninstall", "--yes"}, want: []string{"view public.place", "drop it or change it first, or give --cascade"}}.check(t)
}
