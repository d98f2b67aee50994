package api

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"rowcall/api/apitest"
	"rowcall/api/resource"
)

// reply404 is the reply to a request about a row that does not exist.
func reply404(action, id string) string {
	return `{"errors":["Not found"],"data":null,"action":"` + action + `","response_status":404,"request_id":` + id + `}`
}

// asks sends a request and returns the next frame.
func (b *socketClient) asks(request string) string {
	b.t.Helper()
	b.say(request)
	return b.hear()
}

// answers sends a request and expects a reply, in which # stands for any point in time.
func (b *socketClient) answers(request, want string) string {
	b.t.Helper()
	got := b.asks(request)
	if !similar(got, want) {
		b.t.Fatalf("asked %s\nheard %s\nwant  %s", request, got, want)
	}
	return got
}

// similar compares a frame with one in which "#" stands for any text.
func similar(got, want string) bool {
	form := strings.ReplaceAll(regexp.QuoteMeta(want), `"#"`, `"[^"]+"`)
	return regexp.MustCompile(`^` + form + `$`).MatchString(got)
}

// A row as it is in replies and in events.
const (
	anaRow   = `{"id":5,"first_name":"Ana","last_name":"Ek","admission_date":"2021-06-01T10:00:00Z","dismissal_date":null,"created_at":"#","updated_at":"#"}`
	anaEvent = `{"id":5,"first_name":"Ana","last_name":"Ek","admission_date":"2021-06-01T10:00:00Z","dismissal_date":null,"updated_at":"#","created_at":"#","type":"patient.change","action":`
	makeAna  = `{"action":"create","request_id":1,"data":{"first_name":"Ana","last_name":"Ek","admission_date":"2021-06-01 12:00+02:00"}}`
)

func (b *socketClient) similar(want ...string) {
	b.t.Helper()
	for _, one := range want {
		if got := b.hear(); !similar(got, one) {
			b.t.Fatalf("heard %s\nwant  %s", got, one)
		}
	}
}

func TestDCRFActions(t *testing.T) {
	t.Parallel()
	b := openResourceServer(t).dial(t, "/ws/patients/", "alice")
	b.answers(makeAna, `{"errors":[],"data":`+anaRow+`,"action":"create","response_status":201,"request_id":1}`)
	b.similar(anaEvent + `"create"}`)
	b.answers(`{"action":"retrieve","request_id":"x","pk":5}`, `{"errors":[],"data":`+anaRow+`,"action":"retrieve","response_status":200,"request_id":"x"}`)
	b.answers(`{"action":"retrieve","request_id":null,"pk":"005"}`, `{"errors":[],"data":`+anaRow+`,"action":"retrieve","response_status":200,"request_id":null}`)
	b.answers(`{"action":"patch","request_id":1.50,"pk":"5","data":{"last_name":"Berg"}}`,
		`{"errors":[],"data":`+strings.Replace(anaRow, "Ek", "Berg", 1)+`,"action":"patch","response_status":200,"request_id":1.50}`)
	b.similar(strings.Replace(anaEvent, "Ek", "Berg", 1) + `"update"}`)
	b.answers(`{"action":"update","request_id":[1],"pk":5,"data":{"first_name":"Ana","last_name":"Ek","admission_date":"2021-06-01T10:00:00Z","id":9,"nothing":1}}`,
		`{"errors":[],"data":`+anaRow+`,"action":"update","response_status":200,"request_id":[1]}`)
	b.similar(anaEvent + `"update"}`)
	b.answers(`{"action":"patch","request_id":1,"pk":5,"data":{}}`, `{"errors":[],"data":`+anaRow+`,"action":"patch","response_status":200,"request_id":1}`)
	b.similar(anaEvent + `"update"}`)
	b.answers(`{"action":"delete","request_id":{"a":1},"pk":5}`, `{"errors":[],"data":null,"action":"delete","response_status":204,"request_id":{"a":1}}`)
	b.similar(anaEvent + `"delete"}`)
	b.answers(`{"action":"delete","request_id":2,"pk":5}`, reply404("delete", "2"))
	list := b.asks(`{"action":"list","request_id":3,"data":{}}`)
	if !strings.HasPrefix(list, `{"errors":[],"data":[{"id":1,"first_name":"Ana",`) || !strings.HasSuffix(list, `}],"action":"list","response_status":200,"request_id":3}`) {
		t.Errorf("the list is %s", list)
	}
}

func TestDCRFErrors(t *testing.T) {
	t.Parallel()
	b := openResourceServer(t).dial(t, "/ws/patients", "alice")
	const datetime = `"Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."`
	long := strings.Repeat("x", 241)
	for _, tt := range []struct{ action, more, errors string }{
		{"create", `"data":{"first_name":"a"}`, `{"admission_date":["This field is required."],"last_name":["This field is required."]}`},
		{"create", `"data":{"first_name":null,"last_name":"b","admission_date":"2021-06-01T10:00:00Z"}`, `{"first_name":["This field may not be null."]}`},
		{"create", `"data":{"first_name":" ","last_name":"","admission_date":"2021-06-01T10:00:00Z"}`, `{"first_name":["This field may not be blank."],"last_name":["This field may not be blank."]}`},
		{"create", `"data":{"first_name":"` + long + `","last_name":"b","admission_date":"2021-06-01T10:00:00Z"}`, `{"first_name":["Ensure this field has no more than 240 characters."]}`},
		{"create", `"data":{"first_name":true,"last_name":{},"admission_date":"2021-06-01T10:00:00Z"}`, `{"first_name":["Not a valid string."],"last_name":["Not a valid string."]}`},
		{"create", `"data":{"first_name":"a","last_name":"b","admission_date":"soon"}`, `{"admission_date":[` + datetime + `]}`},
		{"create", `"data":[]`, `{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}`},
		{"create", `"data":"x"`, `{"non_field_errors":["Invalid data. Expected a dictionary, but got str."]}`},
		{"create", `"data":null`, `{"non_field_errors":["No data provided"]}`},
		{"create", `"pk":1`, `{"non_field_errors":["No data provided"]}`},
		{"update", `"pk":1,"data":{"first_name":"a"}`, `{"admission_date":["This field is required."],"last_name":["This field is required."]}`},
		{"patch", `"pk":1,"data":{"first_name":""}`, `{"first_name":["This field may not be blank."]}`},
		{"retrieve", `"data":{}`, `{"pk":["This field is required."]}`},
		{"delete", `"pk":null`, `{"pk":["This field may not be null."]}`},
	} {
		b.answers(`{"action":"`+tt.action+`","request_id":"r",`+tt.more+`}`,
			`{"errors":[`+tt.errors+`],"data":null,"action":"`+tt.action+`","response_status":400,"request_id":"r"}`)
	}
	for _, action := range []string{"retrieve", "update", "patch", "delete", "subscribe_instance", "unsubscribe_instance"} {
		for _, pk := range []string{`99`, `"99"`, `"x"`, `true`, `1.5`, `[1]`, `{}`, `"1; DROP TABLE patients"`, `99999999999999999999`, `-1`} {
			b.answers(`{"action":"`+action+`","request_id":7,"pk":`+pk+`,"data":{}}`, reply404(action, "7"))
		}
	}
	b.answers(`{"action":"explode","request_id":1}`, `{"errors":["Method \"explode\" not allowed."],"data":null,"action":"explode","response_status":405,"request_id":1}`)
	b.answers(`{"action":"ex\"<\u0001","request_id":1}`,
		`{"errors":["Method \"ex\"<\u0001\" not allowed."],"data":null,"action":"ex\"<\u0001","response_status":405,"request_id":1}`)
}

// A frame that cannot be read is answered if it has a request_id. Otherwise it ends its own socket,
// and no other.
func TestDCRFMalformedFrames(t *testing.T) {
	t.Parallel()
	w := openResourceServer(t)
	other := w.dial(t, "/ws/patients/", "bob")
	b := w.dial(t, "/ws/patients/", "alice")
	b.answers(`{"request_id":1}`, `{"errors":[{"action":["This field is required."]}],"data":null,"action":null,"response_status":400,"request_id":1}`)
	b.answers(`{"request_id":1,"action":5}`, `{"errors":[{"action":["Not a valid string."]}],"data":null,"action":5,"response_status":400,"request_id":1}`)
	b.answers(`{"request_id":1,"action":null}`, `{"errors":[{"action":["This field may not be null."]}],"data":null,"action":null,"response_status":400,"request_id":1}`)
	b.answers(`{"Request_ID":2,"request_id":1,"ACTION":"list","action":"retrieve","pk":99}`, reply404("retrieve", "1"))
	for _, frame := range []string{``, `{`, `nonsense`, `5`, `"x"`, `null`, `[]`, `[{"action":"list","request_id":1}]`, `{}`, `{"action":"list"}`, `{"Request_ID":1,"action":"list"}`,
		"{\"action\":\"\xff\",\"request_id\":1}", `{"action":"list","request_id":1}x`, strings.Repeat(`[`, 60_000)} {
		b := w.dial(t, "/ws/patients/", "alice")
		b.say(frame)
		b.expectClose(1003)
	}
	binary := w.dial(t, "/ws/patients/", "alice")
	if err := binary.WriteMessage(websocket.BinaryMessage, []byte(`{"action":"list","request_id":1}`)); err != nil {
		t.Fatal(err)
	}
	binary.expectClose(1003)
	large := w.dial(t, "/ws/patients/", "alice")
	large.say(`{"action":"list","request_id":"` + strings.Repeat("x", 64<<10) + `"}`)
	large.expectClose(1009)
	other.answers(`{"action":"delete","request_id":1,"pk":99}`, reply404("delete", "1"))
}

func TestInjectionOverDCRF(t *testing.T) {
	t.Parallel()
	w := openResourceServer(t)
	b := w.dial(t, "/ws/patients/", "alice")
	many := w.dial(t, "/ws/", "alice")
	apitest.ExpectUnharmed(t, w.db, func() {
		for _, text := range apitest.HostileTexts() {
			j := apitest.QuoteJSON(t, text)
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

// FuzzDCRFFrame: a frame either closes the socket, or can be answered with its own request_id.
func FuzzDCRFFrame(f *testing.F) {
	for _, seed := range []string{`{"action":"list","request_id":1}`, `{"stream":"patients","payload":{"request_id":"x","action":5}}`, `{"stream":null,"payload":{"request_id":{}}}`, `[]`, `{"request_id":1e5,"pk":"\u0000"}`} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	patients := patientsResource(f)
	f.Fuzz(func(t *testing.T, text []byte, bare bool) {
		socket := &dcrfFlow{bare: bare, streams: []*dcrfStream{{servedResource: &servedResource{"patients", patients}}}}
		asked, err := socket.parseRequest(1, text)
		if err != nil {
			return
		}
		_, _ = patients.ParseJSONKey(asked.fields, "pk")
		_, _ = patients.ParseRow(asked.fields["data"], resource.ToCreate, true)
		_, _ = resource.ParseText(asked.fields, "action")
		answer := payload(t, encodeReply(asked, dcrfOutcome{status: 200}))
		if !json.Valid([]byte(answer)) || requestIDOf(asked) == "" {
			t.Errorf("%s is answered %s", text, answer)
		}
	})
}
