package watch

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// Each event is one line, which no text of a row can break or turn into commands for a terminal.
func TestLines(t *testing.T) {
	t.Parallel()
	const at = "2026-11-20T12:00:00.250Z  "
	for _, c := range []struct{ data, want string }{
		{`{"op":"insert","key":{"id":"7"},"new":{"id":7,"status":"open"}}`, `orders  insert  id=7  {"id":7,"status":"open"}`},
		{`{"op":"update","key":{"id":"7"},"new":{"id":7,"status":"late","n":1.50},"old":{"status":"open","n":1}}`, `orders  update  id=7  status: "open" -> "late", n: 1 -> 1.50`},
		{`{"op":"update","key":{"id":"7"},"new":{"id":7},"old":{}}`, `orders  update  id=7  (no column has changed)`},
		{`{"op":"delete","key":{"a":"x y","b":2},"old":{"a":"x y"}}`, `orders  delete  a="x y",b=2  {"a":"x y"}`},
		{`{"op":"leave","key":{"id":"1"},"old":{"id":1}}`, `orders  leave   id=1  {"id":1}`},
		{"{\"op\":\"insert\",\"key\":{\"id\":\"1\"},\"new\":{\"t\":\"\u009b2J\u202e\u007f😀\",\"j\":{\n \"a\": 1}}}", `orders  insert  id=1  {"t":"\u009b2J\u202e\u007f😀","j":{"a":1}}`},
		{"{\"op\":\"insert\",\"key\":{\"id\":\"\u009b\"},\"new\":{\"t\":\"\U000e0041\"}}", `orders  insert  id=\u009b  {"t":"\udb40\udc41"}`},
		{`{"n":1}`, `orders  orders.x          {"n":1}`},
		{`[1]`, `orders  orders.x          [1]`},
	} {
		e := &notifier.Event{Topic: "orders", Type: "orders.x", Data: json.RawMessage(c.data), Time: time.Date(2026, 11, 20, 12, 0, 0, 250e6, time.UTC)}
		out := &strings.Builder{}
		if err := (&lines{out: out}).print(notifier.Taken{Events: []*notifier.Event{e}}); err != nil {
			t.Fatal(err)
		}
		got := strings.Join(strings.Fields(out.String()), " ")
		if want := strings.Join(strings.Fields(at+c.want), " "); got != want || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%s:\ngot  %s\nwant %s", c.data, got, want)
		}
		out.Reset()
		_ = (&lines{out: out, json: true}).print(notifier.Taken{Events: []*notifier.Event{e}})
		if !json.Valid([]byte(out.String())) || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("as JSON: %s", out)
		}
	}
	out := &strings.Builder{}
	_ = (&lines{out: out}).print(notifier.Taken{Reset: &notifier.Reset{Reason: notifier.ResetTruncate, Topics: []topic.Topic{"orders"}}})
	if !strings.HasSuffix(out.String(), "orders  reset     truncate: the table was emptied\n") {
		t.Errorf("a reset: %q", out)
	}
	_ = (&lines{out: out, terminal: true, colours: true}).print(notifier.Taken{Reset: &notifier.Reset{Reason: notifier.ResetSchema, Topics: []topic.Topic{"orders"}}})
	if !strings.Contains(out.String(), "\x1b[35mreset \x1b[0m") {
		t.Errorf("a reset in colours: %q", out)
	}
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestClosedOutputIsTold(t *testing.T) {
	t.Parallel()
	err := (&lines{out: closedPipe{}}).print(notifier.Taken{Events: []*notifier.Event{{Topic: "orders", Data: json.RawMessage(`{}`)}}})
	if !isClosed(err) {
		t.Errorf("got %v", err)
	}
}
