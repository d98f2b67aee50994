package resource

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
		"infinity":                         "infinity",
		"-infinity":                        "-infinity",
		"Infinity":                         "",
		"0044-03-15T10:00:00Z BC":          "0044-03-15T10:00:00Z BC",
		"0044-03-15 10:00:00.5+01:00 BC":   "0044-03-15T09:00:00.5Z BC",
		"0001-01-01T00:00:00+01:00 BC":     "0002-12-31T23:00:00Z BC",
		"0001-02-29T00:00Z BC":             "0001-02-29T00:00:00Z BC",
		"0004-02-29T00:00Z BC":             "",
		"0000-01-01T00:00Z BC":             "",
		"12026-01-01T00:00:00Z":            "12026-01-01T00:00:00Z",
		"12026-02-30T00:00:00Z":            "",
		"2021-06-01T10:00 BCE":             "",
		"now":                              "",
		"":                                 "",
	} {
		got, problem := readTime(kindInstant, text)
		if got != want || (problem == "") != (want != "") {
			t.Errorf("%q: got %q, %q, want %q", text, got, problem, want)
		}
	}
}

// everyKind is a column of each kind.
func everyKind() []*column {
	return []*column{
		{Name: "text", kind: kindText, Required: true, Length: 5}, {Name: "small", kind: kindWhole, Base: "int2"}, {Name: "big", kind: kindWhole, Base: "int8"},
		{Name: "float", kind: kindFloat}, {Name: "numeric", kind: kindNumeric, Precision: 4, Scale: 6}, {Name: "rounded", kind: kindNumeric, Precision: 4, Scale: -2},
		{Name: "bool", kind: kindBool}, {Name: "instant", kind: kindInstant}, {Name: "local", kind: kindTimestamp}, {Name: "day", kind: kindDate}, {Name: "clock", kind: kindTime},
		{Name: "uuid", kind: kindUUID}, {Name: "mood", kind: kindEnum, Labels: []string{"fine"}}, {Name: "document", kind: kindJSON}, {Name: "numbers", kind: kindOther},
	}
}

// Documents arrive as they were sent, but for escaped characters above U+007F, which a database in
// SQL_ASCII cannot read. The type json keeps its text.
func TestEscapesInDocuments(t *testing.T) {
	t.Parallel()
	jsonb, text, other := &column{kind: kindJSON, Base: "jsonb"}, &column{kind: kindJSON, Base: "json"}, &column{kind: kindOther}
	for _, tt := range []struct {
		column    *column
		raw, want string
	}{
		{jsonb, `{"caf\u00e9" : "\ud83d\ude00\u65E5"}`, `{"café":"😀日"}`},
		{jsonb, `"\u0041\n\"\u001f\/"`, `"\u0041\n\"\u001f\/"`},
		{jsonb, `"\\u00e9\\\u00e9"`, `"\\u00e9\\é"`},
		{jsonb, `"\ud800 \udc00\ud83dx"`, `"\ud800 \udc00\ud83dx"`},
		{jsonb, `"\\u0000"`, `"\\u0000"`},
		{text, `"\u00e9"`, `"\u00e9"`},
		{other, `["\u00e9"]`, `{"v":["é"]}`},
	} {
		if got, message := tt.column.read(json.RawMessage(tt.raw)); got != tt.want || message != "" {
			t.Errorf("%s: got %v %q, want %s", tt.raw, got, message, tt.want)
		}
	}
	for _, raw := range []string{`"\u0000"`, `"\\\u0000"`} {
		if _, message := jsonb.read(json.RawMessage(raw)); message != messageNulByte {
			t.Errorf("%s: got the message %q, want %q", raw, message, messageNulByte)
		}
	}
}

// FuzzValue: a value is either refused with a message, or becomes text that PostgreSQL can read.
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
				t.Errorf("%s as %s: got %v, want valid text", raw, c.Name, value)
			}
			if problem != "" && !utf8.ValidString(problem) {
				t.Errorf("%s as %s: got the message %q, want valid text", raw, c.Name, problem)
			}
		}
	})
}
