package api

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func TestPointsInTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2021-06-01T10:00:00Z":             "2021-06-01T10:00:00Z",
		"2021-06-01 10:00":                 "2021-06-01T10:00:00Z",
		"2021-6-1T9:05":                    "2021-06-01T09:05:00Z",
		"2021-06-01T10:00:00.25+02:00":     "2021-06-01T08:00:00.25Z",
		"2021-06-01T10:00:00,123456789Z":   "2021-06-01T10:00:00.123456Z",
		"2021-06-01T00:30-0130":            "2021-06-01T02:00:00Z",
		"2021-06-01T10:00:00 +05":          "2021-06-01T05:00:00Z",
		"2024-02-29T23:59:59.999999-23:59": "2024-03-01T23:58:59.999999Z",
		"2021-02-29T10:00":                 "",
		"2021-06-31T10:00":                 "",
		"2021-06-01":                       "",
		"2021-06-01T":                      "",
		"2021-06-01T24:00":                 "",
		"2021-06-01T10:60":                 "",
		"2021-06-01T10:00:60Z":             "",
		"2021-06-01T10:00+24:00":           "",
		"2021-06-01T10:00z":                "",
		"0000-06-01T10:00Z":                "",
		"0001-01-01T00:00+01:00":           "",
		"9999-12-31T23:59-01:00":           "",
		"2021-06-01T10:00:00Z; DROP":       "",
		" 2021-06-01T10:00":                "",
		"２０２１-06-01T10:00":                 "",
		"infinity":                         "",
		"now":                              "",
		"":                                 "",
	} {
		got, problem := readTime(valueInstant, text)
		if got != want || (problem == "") != (want != "") {
			t.Errorf("%q is read as %q, %q, want %q", text, got, problem, want)
		}
	}
}

// everyKind is a column of each kind.
func everyKind() []*column {
	return []*column{
		{Name: "text", kind: valueText, Required: true, Length: 5}, {Name: "small", kind: valueWhole, Base: "int2"}, {Name: "big", kind: valueWhole, Base: "int8"},
		{Name: "float", kind: valueFloat}, {Name: "numeric", kind: valueNumeric, Precision: 4, Scale: 6}, {Name: "rounded", kind: valueNumeric, Precision: 4, Scale: -2},
		{Name: "bool", kind: valueBool}, {Name: "instant", kind: valueInstant}, {Name: "local", kind: valueTimestamp}, {Name: "day", kind: valueDate}, {Name: "clock", kind: valueTime},
		{Name: "uuid", kind: valueUUID}, {Name: "mood", kind: valueEnum, Labels: []string{"fine"}}, {Name: "document", kind: valueJSON}, {Name: "numbers", kind: valueOther},
	}
}

// FuzzValue: whatever comes in is either refused with a sentence, or is text that PostgreSQL can be given.
func FuzzValue(f *testing.F) {
	for _, seed := range []string{`null`, `"a"`, `5`, `-1.5e3`, `true`, `[1]`, `{"a":null}`, `"2021-06-01T10:00:00Z"`, `"\u0000"`, `"\ud800"`, `1e999`, `"00000000-0000-0000-0000-000000000001"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if !json.Valid([]byte(raw)) {
			return
		}
		var document json.RawMessage
		_ = json.Unmarshal([]byte(raw), &document)
		for _, c := range everyKind() {
			value, problem := c.read(document)
			text, isText := value.(string)
			if problem == "" && value != nil && (!isText || !utf8.ValidString(text)) {
				t.Errorf("%s of %s is %v", c.Name, raw, value)
			}
			if problem != "" && !utf8.ValidString(problem) {
				t.Errorf("%s of %s: %q", c.Name, raw, problem)
			}
		}
	})
}

// FuzzDCRFFrame: a frame is either of no use, or can be answered, with its own request_id.
func FuzzDCRFFrame(f *testing.F) {
	for _, seed := range []string{`{"action":"list","request_id":1}`, `{"stream":"patients","payload":{"request_id":"x","action":5}}`, `{"stream":null,"payload":{"request_id":{}}}`, `[]`, `{"request_id":1e5,"pk":"\u0000"}`} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	patients := &resource{name: "patients", key: &column{Name: "id", Base: "int8", kind: valueWhole}, table: &table{columns: everyKind()}}
	f.Fuzz(func(t *testing.T, text []byte, bare bool) {
		socket := &dcrf{bare: bare, streams: []*dcrfStream{{servedResource: &servedResource{"patients", patients}}}}
		asked, err := socket.parse(1, text)
		if err != nil {
			return
		}
		_, _ = patients.keyIn(asked.fields)
		_, _ = patients.rowOf(asked.fields["data"], toCreate, true)
		_, _ = textIn(asked.fields, "action")
		answer := payload(t, encodeReply(asked, outcome{status: 200}))
		if !json.Valid([]byte(answer)) || idOf(asked) == "" {
			t.Errorf("%s is answered %s", text, answer)
		}
	})
}
