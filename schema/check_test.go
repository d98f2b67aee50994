package schema

import (
	"errors"
	"testing"
)

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		number  int
		standby bool
		want    error
	}{
		{130009, false, ErrTooOld}, {139999, true, ErrTooOld}, {140000, false, nil}, {180001, false, nil}, {150018, true, ErrStandby},
	} {
		if err := judge(c.number, "13.9", c.standby); !errors.Is(err, c.want) {
			t.Errorf("server %d, standby %t: %v, want %v", c.number, c.standby, err, c.want)
		}
	}
}
