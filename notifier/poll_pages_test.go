package notifier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
)

// pollRecorder keeps what a poll hands on. It may refuse a chunk.
type pollRecorder struct {
	access []accessEvent
	ids    []int64
	chunks [][]*Event
	lasts  int
	refuse func(chunk int) bool
}

func (r *pollRecorder) announceLargePoll(*poll) {}

func (r *pollRecorder) beginPoll(p *poll) error {
	r.access = p.access
	return nil
}

func (r *pollRecorder) deliverChunk(_ *poll, events []*Event, last bool) error {
	if r.refuse != nil && r.refuse(len(r.chunks)) {
		return errRefused
	}
	for _, e := range events {
		r.ids = append(r.ids, e.ID)
	}
	r.chunks = append(r.chunks, events)
	if last {
		r.lasts++
	}
	return nil
}

var errRefused = errors.New("refused")

func pollerConn(t *testing.T, db *schematest.Database) *pgx.Conn {
	t.Helper()
	direct, err := pgx.ParseConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	direct.RuntimeParams["enable_seqscan"] = "off"
	conn, err := pgx.ConnectConfig(t.Context(), direct)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeConn(conn) })
	return conn
}

func takeSnapshot(t *testing.T, conn *pgx.Conn) snapshot {
	t.Helper()
	s, err := currentSnapshot(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fillPoll writes what a poll from prev on must find: transactions whose ids interleave, one that ran when prev was
// taken, one that began before and wrote after, two slots, large rows and access events. It returns prev. What is
// written before it, and by a transaction that does not end, is not to be found.
func fillPoll(t *testing.T, db *schematest.Database, conn *pgx.Conn) (prev snapshot) {
	t.Helper()
	running, endless := db.Conn(t), db.Conn(t)
	exec := func(conn *pgx.Conn, sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	publish := func(topic string, n int) string {
		return fmt.Sprintf(`SELECT rowcall.publish('%s', 'test', to_json(n)) FROM generate_series(1, %d) n`, topic, n)
	}
	writer := db.Conn(t)
	exec(writer, publish("before", 300))
	exec(running, "BEGIN")
	exec(running, publish("running", 100))
	exec(endless, "BEGIN")
	exec(endless, publish("endless", 100))
	exec(writer, publish("before", 1)) // ends after the two began, so that prev counts them as running
	prev = takeSnapshot(t, conn)
	for range 4 {
		exec(writer, publish("new", 900))
		exec(running, publish("running", 250))
		exec(endless, publish("endless", 50))
		exec(writer, `SELECT rowcall.publish('large', 'test', to_json(repeat('x', 300000))) FROM generate_series(1, 5)`)
		exec(writer, `SELECT rowcall.revalidate('new'), rowcall.advance_slot()`)
	}
	exec(running, "COMMIT")
	return prev
}

// TestLargePoll reads a poll of thousands of events in one walk and in several: the events come once, in the order
// of their ids, in chunks that are bounded in number and bytes; and the poll can be resumed wherever it was cut short.
func TestLargePoll(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	conn := pollerConn(t, db)
	prev := fillPoll(t, db, conn)
	want := wantedIDs(t, conn)
	for _, c := range []pollReader{{mostAddresses: 400}, {mostAddresses: 400, cautious: true}, {mostAddresses: mostAddresses}, {mostAddresses: mostAddresses, cautious: true}} {
		for _, cut := range []int{0, 1, 5} {
			t.Run(fmt.Sprintf("%d addresses, cautious %t, cut after %d chunks", c.mostAddresses, c.cautious, cut), func(t *testing.T) {
				var to pollRecorder
				readCut(t, conn, prev, c, cut, &to)
				if !slices.Equal(to.ids, want) {
					t.Errorf("got %d events, want %d in the order of their ids", len(to.ids), len(want))
				}
				if to.lasts != 1 || len(to.access) != 4 {
					t.Errorf("got %d last chunks and %d access events, want 1 and 4", to.lasts, len(to.access))
				}
				for _, chunk := range to.chunks {
					if len(chunk) > chunkEvents || len(chunk) > 1 && totalSize(chunk) > chunkBytes+200*len(chunk) {
						t.Errorf("got a chunk of %d events and %d bytes", len(chunk), totalSize(chunk))
					}
				}
			})
		}
	}
}

// readCut reads a poll as r says; the sink refuses one chunk, and then the rest is read.
func readCut(t *testing.T, conn *pgx.Conn, prev snapshot, r pollReader, cut int, to *pollRecorder) {
	t.Helper()
	cutOnce := cut > 0
	to.refuse = func(chunk int) bool {
		refuse := cutOnce && chunk == cut
		cutOnce = cutOnce && !refuse
		return refuse
	}
	r.conn, r.patience, r.poll, r.to = conn, longestPatience, &poll{logInterval: logInterval{prev: prev}}, to
	if _, complete, err := r.readAtOnce(t.Context()); err != nil || complete {
		t.Fatalf("read at once: complete %v, %v", complete, err)
	}
	err := r.readInPages(t.Context())
	if cut > 0 {
		if !errors.Is(err, errRefused) {
			t.Fatalf("cut after chunk %d: %v", cut, err)
		}
		rest := pollReader{conn: conn, patience: longestPatience, cautious: true, mostAddresses: r.mostAddresses, poll: r.poll, to: to, begun: true}
		err = rest.readInPages(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// wantedIDs are the ids that fillPoll's poll must find, in their order.
func wantedIDs(t *testing.T, conn *pgx.Conn) []int64 {
	t.Helper()
	rows, _ := conn.Query(t.Context(), `SELECT id FROM rowcall.log WHERE topic IN ('running', 'new', 'large') AND type = 'test' ORDER BY id`)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// walkCount counts the statements that look at every row of a poll.
type walkCount struct{ walks int }

func (c *walkCount) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if strings.Contains(data.SQL, newInSpan) {
		c.walks++
	}
	return ctx
}

func (c *walkCount) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TestALargePollIsOneWalk reads a poll of thousands of events: the server looks at its rows once, and then reads each row
// by its address. Each look costs as much as the poll is large.
func TestALargePollIsOneWalk(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	direct, err := pgx.ParseConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	count := new(walkCount)
	direct.Tracer = count
	conn, err := newConnector(dbconn.To(direct, dbconn.Direct), slog.Default()).connect(t.Context(), "poller")
	if err != nil {
		t.Fatal(err)
	}
	defer closeConn(conn)
	prev := takeSnapshot(t, conn)
	const events = 6000
	db.Exec(t, `INSERT INTO rowcall.log (slot, topic, type) SELECT 0, 'a', 'b' FROM generate_series(1, $1::int)`, events)
	var to pollRecorder
	if _, err := readPoll(t.Context(), conn, longestPatience, false, prev, &to); err != nil || len(to.ids) != events {
		t.Fatalf("got %d events, %v; want %d", len(to.ids), err, events)
	}
	if count.walks != 1 {
		t.Errorf("%d statements look at every row of the poll, want 1", count.walks)
	}
}

// TestPollSizes reads polls around the sizes at which they are read in another way.
func TestPollSizes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql    string
		events int
	}{
		"nothing":               {`SELECT 1`, 0},
		"access events alone":   {`SELECT rowcall.revalidate('a') FROM generate_series(1, 3)`, 0},
		"many access events":    {`SELECT rowcall.revalidate('a') FROM generate_series(1, 1500)`, 0},
		"a chunk":               {`SELECT rowcall.publish('a', 'b', '1') FROM generate_series(1, 1000)`, 1000},
		"more than a chunk":     {`SELECT rowcall.publish('a', 'b', '1') FROM generate_series(1, 1001)`, 1001},
		"a large row":           {`SELECT rowcall.publish('a', 'b', to_json(repeat('x', 3000000)))`, 1},
		"a chunk in bytes":      {`SELECT rowcall.publish('a', 'b', to_json(repeat('x', 104855))) FROM generate_series(1, 10)`, 10},
		"more, in bytes":        {`SELECT rowcall.publish('a', 'b', to_json(repeat('x', 104858))) FROM generate_series(1, 10)`, 10},
		"a row without data":    {`INSERT INTO rowcall.log (slot, topic, type) VALUES (0, 'a', 'b')`, 1},
		"rows without any data": {`INSERT INTO rowcall.log (slot, topic, type) SELECT 0, 'a', 'b' FROM generate_series(1, 1200)`, 1200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.CoreOnly)
			conn := pollerConn(t, db)
			prev := takeSnapshot(t, conn)
			db.Exec(t, c.sql)
			var to pollRecorder
			p, err := readPoll(context.WithoutCancel(t.Context()), conn, longestPatience, false, prev, &to)
			if err != nil || len(to.ids) != c.events || !slices.IsSorted(to.ids) || to.lasts != 1 {
				t.Errorf("got %d events in %d chunks, %d of them last, %v; want %d", len(to.ids), len(to.chunks), to.lasts, err, c.events)
			}
			if p != nil && c.events > 0 && p.writers != 1 {
				t.Errorf("got %d writers, want 1", p.writers)
			}
		})
	}
}
