package notifier_test

import (
	"fmt"
	"testing"

	"rowcall/notifier"
	"rowcall/schema/cluster"
	"rowcall/schema/schematest"
)

// TestAFullNotifyQueueStopsTheRinging has somebody listen and never hear, so that the server's queue of rings fills:
// writers stop ringing before it is full and their commits fail, and ring again when it is empty. Only newer servers
// can be given a small queue.
func TestAFullNotifyQueueStopsTheRinging(t *testing.T) {
	bin, err := cluster.Find(t.Context())
	if err != nil || bin.Major < 17 {
		t.Skip("it takes PostgreSQL 17 to make the queue small: make faults")
	}
	t.Parallel()
	db := schematest.PrivateWith(t, map[string]string{"max_notify_queue_pages": "64"}, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, notifier.Options{Ring: notifier.RingAlways})
	r := follow(t, n, notifier.Request{}, "room")
	deaf, writer := db.Conn(t), db.Conn(t)
	run(t, deaf, `LISTEN rowcall`)
	run(t, deaf, `BEGIN; SELECT 1`)
	events := 0
	eventually(t, "writers stop ringing", func() bool {
		for range 20 {
			run(t, writer, fmt.Sprintf(`SELECT rowcall.publish('room/%d', 'test', '1')`, events))
			r.event()
			events++
		}
		return !n.Health().Ringing
	})
	for i := range 2000 { // far more than the queue holds
		run(t, writer, fmt.Sprintf(`SELECT rowcall.publish('room/%d', 'test', '1')`, events+i))
	}
	r.data(2000)
	run(t, deaf, `ROLLBACK`)
	run(t, deaf, `UNLISTEN *`)
	eventually(t, "writers ring again", func() bool { return n.Health().Ringing })
	r.silent(db, "room/1")
}
