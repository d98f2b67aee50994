package topic

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseTopic(t *testing.T) {
	for _, good := range []string{"dams", "room/5", "a/b/c", "A-z_0:9.x/y", "..a", "a'b", "(~!*)", "caf%C3%A9", "%2E", "a/%2E%2E", "100%25", "%2F%20", "%F0%9D%9B%BC", strings.Repeat("x", 200)} {
		if _, err := Parse(good); err != nil {
			t.Errorf("%q: got %v, want no error", good, err)
		}
	}
	for _, bad := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a b", "a%", "a%2", "a%2f", "%41", "%c3%a9", "%C3", "%FF", "%00", "%2E%2E%2E", "a%2E", "%GG", `a"b`, "a\x00", "$1", "ü", "𝛼", "\u202ea", "a\nb",
		strings.Repeat("x", 201),
	} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q: got no error, want one", bad)
		}
	}
}

// TestSegments writes texts as parts of topics, and reads them again. The tests of the npm package use the
// same texts.
func TestSegments(t *testing.T) {
	file, err := os.ReadFile("testdata/segments.json")
	var cases [][2]string
	if err != nil || json.Unmarshal(file, &cases) != nil || len(cases) == 0 {
		t.Fatalf("reading the texts: %v", err)
	}
	for _, c := range cases {
		text, want := c[0], c[1]
		if got := Segment(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
		if got, ok := SegmentText(want); got != text || !ok {
			t.Errorf("%s is read as %q, %v, want %q", want, got, ok, text)
		}
	}
	if _, ok := SegmentText(Segment("")); ok {
		t.Error("the empty text has a part")
	}
}

// FuzzSegment writes any text as a part of a topic, and reads any text as one: each text has one spelling.
func FuzzSegment(f *testing.F) {
	for _, seed := range []string{"café", "..", "%2E", "a%b", "\xff", "\x00", "a/b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		part := Segment(text)
		if _, err := Parse("x/" + part); err == nil != (text != "" && utf8.ValidString(text) && !strings.Contains(text, "\x00") && len(part) < MaxBytes-1) {
			t.Errorf("%q: the topic x/%s: %v", text, part, err)
		}
		if got, ok := SegmentText(part); ok && got != text {
			t.Errorf("%q is written as %s, and read as %q", text, part, got)
		}
		if got, ok := SegmentText(text); ok && Segment(got) != text {
			t.Errorf("%q is read as %q, whose spelling is %s", text, got, Segment(got))
		}
	})
}

func TestTopicCovers(t *testing.T) {
	for _, test := range []struct {
		above, below Topic
		want         bool
	}{
		{"patients", "patients", true},
		{"patients", "patients/12", true},
		{"patients", "patients/12/x", true},
		{"patients", "patientsx", false},
		{"patients/1", "patients/12", false},
		{"patients/12", "patients", false},
	} {
		if got := test.above.Covers(test.below); got != test.want {
			t.Errorf("%s covers %s: got %v, want %v", test.above, test.below, got, test.want)
		}
	}
	if got := slices.Collect(Topic("a/b/c").Lineage); !slices.Equal(got, []Topic{"a/b/c", "a/b", "a"}) {
		t.Errorf("lineage of a/b/c: got %v, want a/b/c, a/b, a", got)
	}
}

func FuzzParseTopic(f *testing.F) {
	for _, seed := range []string{"room/5", "a//b", "..", "a'b", "$1", "%s", "\x00", "ü/𝛼"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		topic, err := Parse(name)
		if err != nil {
			return
		}
		if string(topic) != name || strings.ContainsAny(name, "\"$ \\\x00\n") || len(name) > MaxBytes {
			t.Errorf("%q: got the topic %q, want an error", name, topic)
		}
	})
}
