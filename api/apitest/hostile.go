package apitest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// HostileTexts returns texts that would do harm if they became part of a statement, a name or a
// setting.
func HostileTexts() []string {
	return []string{
		`'; DROP TABLE patients; --`, `'; SELECT pg_sleep(3600); --`, `" OR 1=1; --`, `1 OR 1=1`, `1); DELETE FROM patients; --`, `' OR ''='`, `\'; DROP TABLE users; --`,
		`$1`, `$1$ OR true $1$`, `%s%d%27`, `${jndi:x}`, `{{7*7}}`, `E'\x27'`, `'||(SELECT password FROM users LIMIT 1)||'`, `id" FROM users; --`, `t.id`, `*`, `(SELECT 1)`,
		`id) UNION SELECT password FROM users --`, "first\x00name", "a\nb\r\nSet-Cookie: x=y", "\u202egnp.exe", `"@".v`, `rowcall_app`, `now()`, "😀", `/* x */`, `--`, `;`,
		`../../etc/passwd`, `<script>alert(1)</script>`, strings.Repeat("'", 300),
	}
}

// QuoteJSON returns a text as a JSON string.
func QuoteJSON(t testing.TB, text string) string {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(quoted)
}

// ExpectUnharmed runs what a test does with hostile texts. The test fails if a table of the samples
// has changed, or if a text made the server hang.
func ExpectUnharmed(t testing.TB, db *schematest.Database, act func()) {
	t.Helper()
	const state = `SELECT concat_ws(' ', (SELECT count(*) FROM pg_class WHERE relkind = 'r'), (SELECT count(*) FROM users), (SELECT count(*) FROM patients WHERE id < 5),
		(SELECT md5(string_agg(password || is_staff, '')) FROM users), (SELECT count(*) FROM chat_messages), (SELECT count(*) FROM dams), (SELECT count(*) FROM job_postings))`
	before, start := db.Text(t, state), time.Now()
	act()
	if after := db.Text(t, state); after != before {
		t.Errorf("the state of the database: got %s, want %s", after, before)
	}
	if took := time.Since(start); took > testdeadline.Hang() {
		t.Errorf("it took %v, want at most %v", took, testdeadline.Hang())
	}
}
