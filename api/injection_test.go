package api

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// hostile are texts that would do harm if they became part of a statement, a name or a setting.
func hostile() []string {
	return []string{
		`'; DROP TABLE patients; --`, `'; SELECT pg_sleep(60); --`, `" OR 1=1; --`, `1 OR 1=1`, `1); DELETE FROM patients; --`, `' OR ''='`, `\'; DROP TABLE users; --`,
		`$1`, `$1$ OR true $1$`, `%s%d%27`, `${jndi:x}`, `{{7*7}}`, `E'\x27'`, `'||(SELECT password FROM users LIMIT 1)||'`, `id" FROM users; --`, `t.id`, `*`, `(SELECT 1)`,
		`id) UNION SELECT password FROM users --`, "first\x00name", "a\nb\r\nSet-Cookie: x=y", "\u202egnp.exe", `"@".v`, `rowcall_app`, `now()`, "😀", `/* x */`, `--`, `;`,
		`../../etc/passwd`, `<script>alert(1)</script>`, strings.Repeat("'", 300),
	}
}

// quoteJSON is a text as a JSON string.
func quoteJSON(t *testing.T, text string) string {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(quoted)
}

// unharmed runs what a test does with hostile text, and sees that all tables are as they were.
func (w *ward) unharmed(t *testing.T, act func()) {
	t.Helper()
	const state = `SELECT concat_ws(' ', (SELECT count(*) FROM pg_class WHERE relkind = 'r'), (SELECT count(*) FROM users), (SELECT count(*) FROM patients WHERE id < 5),
		(SELECT md5(string_agg(password || is_staff, '')) FROM users), (SELECT count(*) FROM chat_messages), (SELECT count(*) FROM dams), (SELECT count(*) FROM job_postings))`
	before, began := w.one(t, state), time.Now()
	act()
	if after := w.one(t, state); after != before {
		t.Errorf("the database was %s and is %s", before, after)
	}
	if took := time.Since(began); took > patience {
		t.Errorf("it took %v", took)
	}
}

// sane wants an answer that is not a defect.
func (v *visitor) sane(method, path, content string) response {
	v.t.Helper()
	came := v.send(method, path, content)
	if came.status >= 500 || strings.Contains(came.body, "$2a$") || came.header.Get("Set-Cookie") != "" {
		v.t.Errorf("%s %s %s: %d %s", method, path, content, came.status, came.body)
	}
	return came
}

func TestInjectionOverREST(t *testing.T) {
	t.Parallel()
	w := openWard(t)
	alice := w.visitor(t, "alice")
	w.unharmed(t, func() {
		for _, text := range hostile() {
			q, p, j := url.QueryEscape(text), url.PathEscape(text), quoteJSON(t, text)
			for _, query := range []string{"?" + q + "=1", "?first_name=" + q, "?id=" + q, "?admission_date=" + q, "?ordering=" + q, "?ordering=-" + q, "?limit=" + q, "?offset=" + q, "?search=" + q, "?" + q} {
				alice.sane("GET", "/api/patients"+query, "")
			}
			alice.sane("GET", "/api/join_requests?search="+q, "")
			alice.sane("GET", "/api/resources?"+q, "")
			alice.sane("GET", "/api/patients/"+p, "")
			alice.sane("DELETE", "/api/patients/"+p, "")
			alice.sane("PATCH", "/api/patients/"+p, `{"first_name":"x"}`)
			alice.sane("GET", "/api/"+p, "")
			alice.sane("POST", "/api/functions/"+p, `{}`)
			alice.sane("POST", "/api/patients", `{`+j+`:1,"first_name":"x"}`)
			alice.sane("POST", "/api/patients", `{"admission_date":`+j+`,"first_name":"x","last_name":"y"}`)
			alice.sane("POST", "/api/messages", `{"room_id":`+j+`,"sender_id":1,"message":"x"}`)
			alice.sane("POST", "/api/functions/join_room", `{"code":`+j+`}`)
			alice.sane("POST", "/api/functions/leave_room", `{"room_id":`+j+`}`)
			alice.sane("POST", "/api/functions/leave_room", `{`+j+`:1}`)
		}
	})
}

// What may be stored is stored as it came.
func TestHostileTextIsText(t *testing.T) {
	t.Parallel()
	w := openWard(t)
	alice := w.visitor(t, "alice")
	stored := 4 // the samples
	for _, text := range hostile() {
		if strings.ContainsRune(text, 0) || len(text) > 240 {
			continue
		}
		j := quoteJSON(t, text)
		alice.wants(201, `{"first_name":`+j+`,"last_name":`+j+`}`, "POST", "/api/patients", `{"first_name":`+j+`,"last_name":`+j+`}`)
		alice.wants(200, `{"total":1,"rows":[{"last_name":`+j+`}]}`, "GET", "/api/patients?first_name="+url.QueryEscape(text), "")
		stored++
	}
	if n := w.one(t, `SELECT count(*) FROM patients`); n != strconv.Itoa(stored) {
		t.Errorf("%s rows are there, want %d", n, stored)
	}
}

func TestInjectionOverDCRF(t *testing.T) {
	t.Parallel()
	w := openWard(t)
	b := w.dial(t, "/ws/patients/", "alice")
	many := w.dial(t, "/ws/", "alice")
	w.unharmed(t, func() {
		for _, text := range hostile() {
			j := quoteJSON(t, text)
			for _, frame := range []string{
				`{"action":"retrieve","request_id":1,"pk":` + j + `}`, `{"action":"delete","request_id":1,"pk":` + j + `}`,
				`{"action":"subscribe_instance","request_id":` + j + `,"pk":` + j + `}`, `{"action":` + j + `,"request_id":1}`,
				`{"action":"patch","request_id":1,"pk":` + j + `,"data":{"first_name":` + j + `}}`, `{"action":"list","request_id":` + j + `}`,
				`{"action":"create","request_id":1,"data":{"first_name":"x","last_name":"y","admission_date":` + j + `}}`,
				`{"action":"create","request_id":1,"data":{` + j + `:"x"}}`,
			} {
				b.say(frame)
				if answer := b.hear(); strings.Contains(answer, `"response_status":5`) || strings.Contains(answer, "$2a$") {
					t.Errorf("%s: %s", frame, answer)
				}
			}
			many.say(`{"stream":` + j + `,"payload":{"action":"list","request_id":1}}`)
			if answer := many.hear(); !strings.Contains(answer, `"response_status":400`) {
				t.Errorf("stream %s: %s", j, answer)
			}
		}
	})
}
