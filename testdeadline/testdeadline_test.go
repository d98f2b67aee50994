package testdeadline

import (
	"testing"
	"time"
)

// TestFactor checks that a fast machine shortens no deadline, and that one long pause is not taken for the speed.
func TestFactor(t *testing.T) {
	for took, want := range map[time.Duration]float64{
		0: 1, reference / 2: 1, reference: 1, 3 * reference: 3, slowest * reference: slowest, time.Hour: slowest,
	} {
		if got := factor(took); got != want {
			t.Errorf("factor(%v) = %v, want %v", took, got, want)
		}
	}
}

// TestHang checks that no deadline is below half a minute, and that a process measures once.
func TestHang(t *testing.T) {
	first := Hang()
	if first < 30*time.Second || first > slowest*base {
		t.Errorf("Hang() = %v, want 30s to %v", first, slowest*base)
	}
	if second := Hang(); second != first {
		t.Errorf("Hang() = %v, and then %v", first, second)
	}
}
