package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// Subscriptions of one row, and of several rows, are independent of each other.
func TestDCRFSubscriptions(t *testing.T) {
	t.Parallel()
	w := openResourceServer(t)
	b := w.dial(t, "/ws/patients/", "alice")
	done := func(action, id string, status int) string {
		return fmt.Sprintf(`{"errors":[],"data":null,"action":%q,"response_status":%d,"request_id":%s}`, action, status, id)
	}
	subscribe := func(id, pk string) {
		b.answers(`{"action":"subscribe_instance","request_id":`+id+`,"pk":`+pk+`}`, done("subscribe_instance", id, 201))
	}
	for _, id := range []string{`"one"`, `1`, `"1"`, `"two"`} {
		subscribe(id, `1`)
	}
	subscribe(`"one"`, `"1"`) // once more changes nothing
	subscribe(`"other"`, `2`)
	hears := func(sql string, frames ...string) {
		t.Helper()
		w.db.Psql(t, sql)
		for _, frame := range frames {
			b.hears(frame)
		}
	}
	updated := func(id string) string {
		return `"first_name":"A","last_name":"Ek","admission_date":"2026-03-02T08:30:00Z","dismissal_date":null,"updated_at":"`
	}
	ends := func(id string) {
		t.Helper()
		frame := b.hears(updated(id))
		if !strings.HasPrefix(frame, `{"errors":[],"data":{"id":1,`) || !strings.HasSuffix(frame, `},"action":"update","response_status":200,"request_id":`+id+`}`) {
			t.Fatalf("heard %s, want what %s subscribed to", frame, id)
		}
	}
	hears(`UPDATE patients SET first_name = 'A' WHERE id = 1`, `"type":"patient.change"`)
	for _, id := range []string{`"one"`, `1`, `"1"`, `"two"`} {
		ends(id)
	}
	b.answers(`{"action":"unsubscribe_instance","request_id":1,"pk":1}`, done("unsubscribe_instance", `1`, 204))
	b.answers(`{"action":"unsubscribe_instance","request_id":"one","pk":2}`, done("unsubscribe_instance", `"one"`, 204))
	b.answers(`{"action":"unsubscribe_instance","request_id":"nobody","pk":1}`, done("unsubscribe_instance", `"nobody"`, 204))
	hears(`UPDATE patients SET first_name = 'A' WHERE id = 1`, `"type":"patient.change"`)
	for _, id := range []string{`"one"`, `"1"`, `"two"`} {
		ends(id)
	}
	hears(`DELETE FROM patients WHERE id = 1`, `"action":"delete"}`)
	for _, id := range []string{`"one"`, `"1"`, `"two"`} {
		b.expect(`{"errors":[],"data":{"pk":1},"action":"delete","response_status":204,"request_id":` + id + `}`)
	}
	hears(`INSERT INTO patients (id, first_name, last_name, admission_date) VALUES (1, 'again', 'there', now()); UPDATE patients SET first_name = 'B' WHERE id = 2`,
		`"action":"create"}`, `"action":"update"}`, `"request_id":"other"}`)
}

func TestDCRFSubscriptionsAreBounded(t *testing.T) {
	t.Parallel()
	b := openResourceServer(t).dial(t, "/ws/patients/", "alice")
	for i := range 100 {
		b.hearsStatus(fmt.Sprintf(`{"action":"subscribe_instance","request_id":%d,"pk":1}`, i), 201)
	}
	b.hearsStatus(`{"action":"subscribe_instance","request_id":100,"pk":1}`, 429)
	b.hearsStatus(`{"action":"subscribe_instance","request_id":7,"pk":1}`, 201)
	b.hearsStatus(`{"action":"unsubscribe_instance","request_id":7,"pk":1}`, 204)
	b.hearsStatus(`{"action":"subscribe_instance","request_id":100,"pk":2}`, 201)
}

func (b *socketClient) hearsStatus(request string, status int) {
	b.t.Helper()
	if got := b.asks(request); !strings.Contains(got, fmt.Sprintf(`"response_status":%d,`, status)) {
		b.t.Fatalf("asked %s, heard %s, want %d", request, got, status)
	}
}

// Changes by psql and over a socket have the same frames. A change that is rolled back has none.
func TestDCRFObserver(t *testing.T) {
	t.Parallel()
	w := openResourceServer(t)
	one, two := w.dial(t, "/ws/patients/", "alice"), w.dial(t, "/ws/patients/", "bob")
	w.db.Psql(t, `BEGIN; INSERT INTO patients (first_name, last_name, admission_date) VALUES ('never', 'there', now()); ROLLBACK;
		ALTER TABLE patients ALTER id RESTART WITH 5;
		INSERT INTO patients (first_name, last_name, admission_date) VALUES ('Ana', 'Ek', '2021-06-01T10:00:00Z')`)
	for _, b := range []*socketClient{one, two} {
		b.similar(anaEvent + `"create"}`)
	}
	one.hearsStatus(`{"action":"patch","request_id":1,"pk":5,"data":{"last_name":"Ek"}}`, 200)
	for _, b := range []*socketClient{one, two} {
		b.similar(anaEvent + `"update"}`)
	}
}

// Under load, each request is answered once, in order, and before the event of what it did.
func TestDCRFReplyBeforeEvent(t *testing.T) {
	t.Parallel()
	const requests = 150
	w := openResourceServer(t)
	b := w.dial(t, "/ws/patients/", "alice")
	noise := w.dial(t, "/ws/patients/", "bob")
	var others sync.WaitGroup
	defer others.Wait()
	others.Go(func() {
		for i := range requests {
			noise.say(fmt.Sprintf(`{"action":"patch","request_id":%d,"pk":1,"data":{}}`, i))
		}
	})
	for i := range requests {
		b.say(fmt.Sprintf(`{"action":"create","request_id":%d,"data":{"first_name":"n","last_name":"%d","admission_date":"2021-06-01T10:00:00Z"}}`, i, i))
	}
	replied, observed := map[int]bool{}, 0
	for len(replied) < requests || observed < requests {
		var frame struct {
			ID        int    `json:"id"`
			Type      string `json:"type"`
			Action    string `json:"action"`
			RequestID *int   `json:"request_id"`
			Status    int    `json:"response_status"`
			Data      struct{ ID int }
		}
		text := b.hear()
		if err := json.Unmarshal([]byte(text), &frame); err != nil {
			t.Fatal(err)
		}
		switch {
		case frame.Type == "" && (frame.Status != 201 || *frame.RequestID != len(replied)):
			t.Fatalf("heard %s, want the reply to %d", text, len(replied))
		case frame.Type == "":
			replied[frame.Data.ID] = true
		case frame.Action == "create" && !replied[frame.ID]:
			t.Fatalf("heard %s before its reply", text)
		case frame.Action == "create":
			observed++
		}
	}
}

// A client that sends and does not read has no work done, and delays no other.
func TestDCRFBackpressure(t *testing.T) {
	t.Parallel()
	w := openResourceServer(t)
	w.db.Exec(t, `INSERT INTO patients (first_name, last_name, admission_date) SELECT repeat('x', 240), n, now() FROM generate_series(1, 3000) n`)
	deaf := w.dial(t, "/ws/patients/", "alice")
	for i := range 150 {
		deaf.say(fmt.Sprintf(`{"action":"list","request_id":%d}`, i))
	}
	b := w.dial(t, "/ws/patients/", "alice")
	b.answers(`{"action":"delete","request_id":1,"pk":99999}`, reply404("delete", "1"))
	for i := range 3 {
		if got := deaf.hear(); !strings.HasSuffix(got, fmt.Sprintf(`"request_id":%d}`, i)) {
			t.Fatalf("the list ends with %s", got[len(got)-50:])
		}
	}
	w.db.Exec(t, `INSERT INTO patients (first_name, last_name, admission_date) SELECT 'x', n, now() FROM generate_series(1, 7000) n`)
	c := w.dial(t, "/ws/patients/", "bob")
	c.answers(`{"action":"list","request_id":1}`, `{"errors":["There are too many rows to list them all."],"data":null,"action":"list","response_status":413,"request_id":1}`)
}

// A client subscribes to a row after a change whose event comes late. The observer receives that
// event; the subscription receives only later events, also if the row is deleted and created again
// meanwhile.
func TestDCRFSubscriptionsAreOfWhatComesAfter(t *testing.T) {
	t.Parallel()
	w := openLimitedResourceServer(t, schematest.New(t, schematest.Samples), apitest.SampleResources(), apitest.SampleFunctions(), door.Options{},
		notifier.Options{Ring: notifier.RingNever, PollBusy: time.Second, PollIdle: time.Second})
	b := w.dial(t, "/ws/patients/", "alice")
	var events []string // a poll may bring the early ones between a request and its reply
	request := func(action, text, status string) {
		t.Helper()
		b.say(`{"action":"` + action + `",` + text + `}`)
		frame := b.hear()
		for ; !strings.Contains(frame, `"action":"`+action+`"`); frame = b.hear() {
			events = append(events, frame)
		}
		if !strings.Contains(frame, `"response_status":`+status+`,`) {
			t.Fatalf("%s %s: heard %s, want %s", action, text, frame, status)
		}
	}
	request("patch", `"request_id":1,"pk":1,"data":{"first_name":"early"}`, "200")
	w.db.Exec(t, `DELETE FROM patients WHERE id = 2`)
	w.db.Exec(t, `INSERT INTO patients (id, first_name, last_name, admission_date) VALUES (2, 'again', 'there', now())`)
	request("subscribe_instance", `"request_id":"one","pk":1`, "201")
	request("subscribe_instance", `"request_id":"two","pk":2`, "201")
	w.db.Exec(t, `UPDATE patients SET first_name = 'late' WHERE id = 1`)
	w.db.Exec(t, `DELETE FROM patients WHERE id = 2`)
	want := []string{`{"id":1,"first_name":"early",`, `"action":"delete"}`, `{"id":2,"first_name":"again",`,
		`{"id":1,"first_name":"late",`, `"request_id":"one"}`, `"action":"delete"}`, `"request_id":"two"}`}
	for len(events) < len(want) {
		events = append(events, b.hear())
	}
	for i, part := range want {
		if !strings.Contains(events[i], part) {
			t.Errorf("event %d is %s, want %s in it", i+1, events[i], part)
		}
	}
}
