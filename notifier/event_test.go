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
			t.Errorf("the moment sees transaction %d: %t, want %t", xid, got, want)
		}
		if (Moment{}).Sees(&Event{xid: xid}) {
			t.Errorf("the zero moment sees transaction %d, want it to see none", xid)
		}
	}
	if _, err := ParseMoment("10:9:"); err == nil {
		t.Error("10:9: was read as a moment, want an error")
	}
}
