package main

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rowcall/testdeadline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestRun takes every measurement as small as it can be, so that none of them rots. Whether goals
// are reached is not its business; that every event arrives everywhere, once and in order, is.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	var out strings.Builder
	args := strings.Fields("-rounds 1 -round 100ms -writers 8 -sockets 20 -idle 20 -samples 3 -bulk 300 -timeout " + testdeadline.Scale(5*time.Minute).String())
	if err := run(t.Context(), args, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, name := range names() {
		if !strings.Contains(out.String(), "\n"+name+": ") {
			t.Errorf("nothing was said of %s:\n%s", name, &out)
		}
	}
}

func TestUnknownMeasurement(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), []string{"-only", "speed"}, &out); err == nil || !strings.Contains(err.Error(), "speed") {
		t.Fatalf("got %v", err)
	}
}

func TestCounter(t *testing.T) {
	short, long := piece(3, 20), piece(2, 300)
	stream := append(append([]byte{}, short...), long...)
	for _, step := range []int{1, 2, 3, 7, 100, len(stream)} {
		var c counter
		var frames int64
		for rest := stream; len(rest) > 0; rest = rest[min(step, len(rest)):] {
			frames += c.take(rest[:min(step, len(rest))])
		}
		if frames != 5 || c.left != 0 {
			t.Errorf("in steps of %d bytes: %d frames, %d bytes left", step, frames, c.left)
		}
	}
}

func TestMedian(t *testing.T) {
	for want, of := range map[float64][]float64{0: nil, 2: {3, 1, 2}, 2.5: {4, 1, 2, 3}} {
		if got := median(of); got != want {
			t.Errorf("median of %v: %v, want %v", of, got, want)
		}
	}
}
