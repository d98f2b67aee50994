package notifier

import "testing"

func TestMomentsSeeWhatHadCommitted(t *testing.T) {
	t.Parallel()
	now, err := ParseMoment("10:20:12,15")
	if err != nil {
		t.Fatal(err)
	}
	for xid, want := range map[uint64]bool{9: true, 10: true, 11: true, 12: false, 14: true, 15: false, 19: true, 20: false, 21: false} {
		if got := now.Sees(&Event{xid: xid}); got != want {
			t.Errorf("of transaction %d: %t", xid, got)
		}
		if (Moment{}).Sees(&Event{xid: xid}) {
			t.Errorf("the zero moment has seen transaction %d", xid)
		}
	}
	if _, err := ParseMoment("10:9:"); err == nil {
		t.Error("what is no snapshot is a moment")
	}
}
