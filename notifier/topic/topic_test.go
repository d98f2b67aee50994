package topic

import (
	"slices"
	"strings"
	"testing"
)

func TestParseTopic(t *testing.T) {
	for _, good := range []string{"dams", "room/5", "a/b/c", "A-z_0:9.x/y", "..a", strings.Repeat("x", 200)} {
		if _, err := Parse(good); err != nil {
			t.Errorf("%q: got %v, want no error", good, err)
		}
	}
	for _, bad := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a b", "a%", "a'b", `a"b`, "a\x00", "$1", "ü", "𝛼", "\u202ea", "a\nb",
		strings.Repeat("x", 201),
	} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q: got no error, want one", bad)
		}
	}
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
		if string(topic) != name || strings.ContainsAny(name, "'\"$% \\\x00\n") || len(name) > MaxBytes {
			t.Errorf("%q: got the topic %q, want an error", name, topic)
		}
	})
}
