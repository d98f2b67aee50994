package notifier

import "testing"

// FuzzParseSnapshot reads what a server, or something in its place, may call a snapshot.
func FuzzParseSnapshot(f *testing.F) {
	for _, text := range []string{"740:740:", "735:742:735,739", "1:1:", "5:4:", "5:9:9", "5:9:7,6", "9223372036854775807:9223372036854775807:", "+5:9:", "5:9:7,"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSnapshot(text)
		if err != nil {
			return
		}
		if !s.valid() || s.zero() {
			t.Fatalf("%q is read as %s, which is none", text, s)
		}
		if back, err := parseSnapshot(s.String()); err != nil || !back.equal(s) {
			t.Errorf("%q is read as %s, and that as %s, %v", text, s, back, err)
		}
		if !s.covers(s) || !s.sees(s.xmin-1) || s.sees(s.xmax) {
			t.Errorf("%q: %s does not see what it should", text, s)
		}
		for _, x := range s.xip {
			if s.sees(x) || s.before(x).sees(x) || !s.covers(s.before(x)) {
				t.Errorf("%q: %s sees %d, which runs", text, s, x)
			}
		}
	})
}
