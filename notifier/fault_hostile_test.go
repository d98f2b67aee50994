package notifier_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// forgeries are rings that a hostile role may send. Each is sent many times, with a number in it.
var forgeries = []string{
	`{"topic":"room/%d"}`, `{"topic":"nobody/%d"}`, `{"gate":%d}`, `{"probe":"%d"}`, `{"topic":["room",%d]}`,
	`{"topic":"room/1","gate":%d,"probe":"x"}`, `%d`, `"%d"`, `{"topic":"room/1"`, "garbage \x01\u202e %d", `{"%d":{"topic":"room/1"}}`,
	`{"topic":"room/'; DROP TABLE rowcall.log; -- %d"}`, `{"topic":"` + strings.Repeat("a/", 3900) + `%d"}`, `{"gate":-%d}`, `{"gate":1e%d}`,
}

// TestForgedRingsLeadToNothing floods a node with ten thousand forged rings: no event comes of them, and the node
// looks no more often than a limit that has nothing to do with their number.
func TestForgedRingsLeadToNothing(t *testing.T) {
	t.Parallel()
	const rings = 10_000
	db := schematest.New(t, schematest.CoreOnly)
	n, polls, _ := spiedNode(t, db.URL, openRules{}, notifier.Options{})
	r := follow(t, n, notifier.Request{}, "room")
	armed(t, n)
	hostile := db.Conn(t)
	run(t, hostile, `CREATE ROLE hostile_`+db.Name+`; SET ROLE hostile_`+db.Name)
	t.Cleanup(func() { db.Exec(t, `DROP ROLE hostile_`+db.Name) })
	polls.count(pollText)
	began := time.Now()
	for from := 0; from < rings; from += 100 {
		if err := hostile.SendBatch(t.Context(), forged(from, from+100)).Close(); err != nil {
			t.Fatal(err)
		}
	}
	took, looked := time.Since(began), polls.counted()
	t.Logf("%d rings in %s: %d polls", rings, took, looked)
	if limit := int(took/time.Millisecond) + 100; looked > limit {
		t.Errorf("%d polls in %s", looked, took)
	}
	r.silent(db, "room/1")
	armed(t, n)
	r.silent(db, "room/1")
}

// forged are rings to be sent in one transaction.
func forged(from, to int) *pgx.Batch {
	batch := &pgx.Batch{}
	for i := from; i < to; i++ {
		payload := forgeries[i%len(forgeries)]
		if strings.Contains(payload, "%d") {
			payload = fmt.Sprintf(payload, i)
		}
		batch.Queue(`SELECT pg_notify('rowcall', $1)`, payload[:min(len(payload), 7999)])
	}
	return batch
}
