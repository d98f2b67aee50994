package notifier_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// logReads counts the statements that read the log through a pool.
type logReads struct{ n atomic.Int64 }

func (c *logReads) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if strings.Contains(q.SQL, "FROM rowcall.log\n") || strings.Contains(q.SQL, "FROM rowcall.log ") {
		c.n.Add(1)
	}
	return ctx
}

func (c *logReads) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TestAReconnectStormReadsTheLogAFewTimes has five thousand clients come back, each from a cursor of its
// own, to a node that has just started.
func TestAReconnectStormReadsTheLogAFewTimes(t *testing.T) {
	const clients = 5000
	db := schematest.New(t, schematest.CoreOnly)
	first := startNode(t, db.URL, openRules{}, notifier.Options{})
	r := follow(t, first, notifier.Request{}, "room")
	var cursors []string
	for i := range 10 {
		db.Exec(t, `SELECT rowcall.publish('room/' || i % 5, 'test', to_json($1::int * 10 + i)) FROM generate_series(1, 10) AS i`, i)
		for range 10 {
			cursors = append(cursors, r.event().Cursor())
		}
	}
	first.stop()

	reads := &logReads{}
	again := startNodeWith(t, db.URL, openRules{}, notifier.Options{}, func(c *pgxpool.Config) { c.ConnConfig.Tracer = reads })
	var back sync.WaitGroup
	for i := range clients {
		back.Go(func() { resumeFrom(t, again, cursors, i%len(cursors)) })
	}
	back.Wait()
	if n := reads.n.Load(); n > 5 {
		t.Errorf("%d clients read the log %d times", clients, n)
	}
}

func resumeFrom(t *testing.T, n *node, cursors []string, i int) {
	r, err := tryFollow(t, n, notifier.Request{Since: cursors[i]}, "room")
	if err != nil || !r.start.Recovered {
		t.Errorf("resuming: %+v, %v", r.start, err)
		return
	}
	defer r.sub.Close()
	for want := i + 2; want <= len(cursors); want++ {
		if e := r.event(); string(e.Data) != fmt.Sprint(want) {
			t.Errorf("after event %d came %s, not %d", i+1, e.Data, want)
			return
		}
	}
}
