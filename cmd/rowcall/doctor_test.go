package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/config"
	"rowcall/schema/schematest"
)

// examined runs doctor, and returns what it printed and the status that the process would end with.
func examined(t *testing.T, env map[string]string, args ...string) (printed string, status int) {
	t.Helper()
	out := rowcalltest.NewOutput()
	err := run(t.Context(), append([]string{"doctor"}, args...), environment(env), out, rowcalltest.LogTo(t))
	return out.String(), statusOf(err)
}

// TestDoctor checks what doctor prints and its exit statuses.
func TestDoctor(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	file := filepath.Join(t.TempDir(), "rowcall.yaml")
	if err := os.WriteFile(file, config.Example, 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_CONFIG": file}
	if said, status := examined(t, env); status != 0 || !strings.Contains(said, "information node.none") {
		t.Errorf("a healthy database: got status %d and\n%s", status, said)
	}
	db.Exec(t, `ALTER TABLE dams ENABLE TRIGGER "0_rowcall"`)
	if said, status := examined(t, env); status != doctorWarnings || !strings.Contains(said, "warning trigger.not_always  public.dams \"0_rowcall\"\n") {
		t.Errorf("a trigger that does not fire always: got status %d and\n%s", status, said)
	}
	db.Exec(t, `DROP TRIGGER "0_rowcall" ON dams`)
	said, status := examined(t, env, "--json")
	var report doctorReport
	if err := json.Unmarshal([]byte(said), &report); err != nil || status != doctorErrors || report.Findings[0].Code != "trigger.missing" || report.Findings[0].Remedy != "rowcall migrate" {
		t.Errorf("a missing trigger: got status %d, %v and\n%s", status, err, said)
	}
	if said, status := examined(t, env, "--fix"); status != 0 || !strings.HasPrefix(said, "fixed: ") {
		t.Errorf("with --fix: got status %d and\n%s", status, said)
	}
	env["ROWCALL_DATABASE_URL"] = "postgres://me:" + rowcalltest.Password + "@" + schematest.UnusedAddress(t) + "/db"
	if said, status := examined(t, env, "--json"); status != doctorBlind || !strings.HasPrefix(said, `{"findings":[],"error":"the database at `) || strings.Contains(said, rowcalltest.Password) {
		t.Errorf("a database that is down: got status %d and\n%s", status, said)
	}
	env["ROWCALL_CONFIG"] = file + ".none"
	if _, status := examined(t, env); status != doctorBlind {
		t.Errorf("a configuration that is not there: got status %d", status)
	}
}
