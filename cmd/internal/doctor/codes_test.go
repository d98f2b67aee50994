package doctor

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"

	"rowcall/triggers/tables"
)

// TestDocumentedCodes compares the table in docs/doctor.md with the code.
func TestDocumentedCodes(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]Severity{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\| (\\w+) \\|").FindAllStringSubmatch(string(page), -1) {
		if _, twice := documented[row[1]]; twice {
			t.Errorf("docs/doctor.md has %s twice", row[1])
		}
		documented[row[1]] = Severity(row[2])
	}
	if !maps.Equal(documented, severities()) {
		t.Errorf("docs/doctor.md says\n%v\nand the code\n%v", documented, severities())
	}
}

// TestEveryCodeIsTested sees that a test of this package names each code.
func TestEveryCodeIsTested(t *testing.T) {
	t.Parallel()
	constants, err := os.ReadFile("codes.go")
	if err != nil {
		t.Fatal(err)
	}
	tests := ""
	for _, name := range []string{"faults_test.go", "alone_test.go", "tables_test.go", "codes_test.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tests += string(text)
	}
	seen := 0
	for _, name := range regexp.MustCompile(`(?m)^\t(\w+) += "[a-z_]+\.[a-z_]+"$`).FindAllStringSubmatch(string(constants), -1) {
		seen++
		if !regexp.MustCompile(`\b` + name[1] + `\b`).MatchString(tests) {
			t.Errorf("no test names %s", name[1])
		}
	}
	if seen != len(severities()) {
		t.Errorf("%d constants, and severities of %d codes", seen, len(severities()))
	}
}

// TestSettingsOfNewerServers judges settings that the server of the tests does not have, or that only a pooler keeps.
func TestSettingsOfNewerServers(t *testing.T) {
	t.Parallel()
	codes := func(values map[string]string) (codes []string) {
		for _, f := range judgeSettings(values, true) {
			codes = append(codes, f.Code)
		}
		return codes
	}
	for name, c := range map[string]struct {
		values map[string]string
		want   []string
	}{
		"a small queue":           {map[string]string{"max_notify_queue_pages": "64"}, []string{ServerNotifyQueue}},
		"a queue as ever":         {map[string]string{"max_notify_queue_pages": "1048576"}, nil},
		"no autovacuum":           {map[string]string{"autovacuum": "off"}, []string{ServerAutovacuum}},
		"a timeout of idleness":   {map[string]string{"idle_session_timeout": "300"}, []string{ServerIdleTimeout}},
		"two-phase, and no rings": {map[string]string{"max_prepared_transactions": "5"}, nil},
	} {
		if got := codes(c.values); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// TestEveryKindHasACode sees that each difference of a declared table becomes a finding with a code.
func TestEveryKindHasACode(t *testing.T) {
	t.Parallel()
	for kind := tables.NotLive; kind <= tables.TriggerNotAlways; kind++ {
		if code := codeOfKind(kind); severities()[code] == "" {
			t.Errorf("%s: code %q has no severity", tables.Difference{Kind: kind}, code)
		}
	}
}
