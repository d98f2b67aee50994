package notifier

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const anEpoch = "0123456789abcdef"

func someCursor(t *rapid.T) cursor {
	c := cursor{epoch: anEpoch}
	c.prev = someSnapshot(t, "prev")
	if !rapid.Bool().Draw(t, "inside") {
		return c
	}
	c.inside = true
	c.id = rapid.Int64Range(0, 1<<40).Draw(t, "id")
	c.cur = snapshot{xmin: c.prev.xmax, xmax: c.prev.xmax + rapid.Uint64Range(0, 9).Draw(t, "more")}
	return c
}

func TestCursorTextRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := someCursor(t)
		back, err := parseCursor(c.String())
		if err != nil || back.String() != c.String() || back.id != c.id || !back.prev.equal(c.prev) || !back.cur.equal(c.cur) {
			t.Fatalf("%s came back as %s, %v", c, back, err)
		}
		if c.inside && newCursorPrefix(c.epoch, logInterval{c.prev, c.cur}).withID(c.id) != c.String() {
			t.Fatal("a batch writes other cursors than String")
		}
	})
}

func TestParseCursorIsStrict(t *testing.T) {
	for _, text := range []string{
		"", "x", anEpoch, anEpoch + ".", anEpoch + ".2e4", anEpoch + ".0.0", anEpoch + ".02e4.0", anEpoch + ".2E4.0",
		strings.ToUpper(anEpoch) + ".2e4.0", anEpoch + ".2e4.3.3", anEpoch + ".2e4.3.1.1", anEpoch + ".2e4.3.2.1",
		anEpoch + ".2e4.0~", anEpoch + ".2e4.0~2e4.0", anEpoch + ".2e4.0~2e3.0~1", anEpoch + ".2e4.0~2e4.0~01",
		anEpoch + ".2e4.0~2e4.0~1~1", anEpoch + ".7fffffffffffffff.7fffffffffffffff", anEpoch + ".2e4.0 ", " " + anEpoch + ".2e4.0",
		anEpoch + "." + strings.Repeat("1", 5000), anEpoch + ".2e4.0\x00", "g123456789abcdef.2e4.0",
	} {
		if c, err := parseCursor(text); !errors.Is(err, ErrBadCursor) {
			t.Errorf("%q was read as %s, %v", text, c, err)
		}
	}
}

func TestACursorTooLongToCarryIsEmpty(t *testing.T) {
	wide := snapshot{xmin: 3, xmax: 100_000}
	for x := uint64(3); x < 20_000; x += 2 {
		wide.xip = append(wide.xip, x)
	}
	if text := cursorAfter(anEpoch, wide).String(); text != "" {
		t.Errorf("a cursor of %d bytes was written", len(text))
	}
	if text := newCursorPrefix(anEpoch, logInterval{wide, wide}).withID(7); text != "" {
		t.Errorf("a cursor of %d bytes was written", len(text))
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add(anEpoch + ".2e4.3.0.2")
	f.Add(anEpoch + ".2e4.0~2e4.5.1~22b0")
	f.Add(anEpoch + ".3fffffffffffffff.3fffffffffffffff")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCursor(text)
		if err != nil {
			return
		}
		if c.String() != text {
			t.Errorf("%q is read, but would be written %q", text, c)
		}
		if !c.prev.valid() || c.inside && !c.cur.covers(c.prev) {
			t.Errorf("%q is read as something that no poll could have made", text)
		}
	})
}
