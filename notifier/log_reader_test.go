package notifier

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
)

// scatter writes events whose rows lie on disk in any order, some of them large, in three slots and several transactions:
// one of them was running at prev, and one does not end. Events of other topics lie between them.
func scatter(t *testing.T, db *schematest.Database, conn *pgx.Conn) (prev snapshot) {
	t.Helper()
	exec := func(conn *pgx.Conn, sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	file := func(slot, residue string) string {
		return `INSERT INTO rowcall.log (slot, id, topic, type, data)
			SELECT ` + slot + `, 1000000 + n, (ARRAY['bulk/1', 'bulk/2', 'bulk', 'hall', 'other'])[1 + n * 7 % 5], 'test', to_json(repeat('x', n % 300))
			  FROM generate_series(0, 8999) AS n WHERE n % 6 IN (` + residue + `) ORDER BY hashint4(n)`
	}
	running, endless := db.Conn(t), db.Conn(t)
	exec(running, "BEGIN")
	exec(running, file("0", "0"))
	exec(endless, "BEGIN")
	exec(endless, file("0", "1"))
	exec(conn, `SELECT rowcall.publish('bulk', 'before', '1')`)
	prev = takeSnapshot(t, conn)
	for _, of := range []struct{ slot, residue string }{{"1", "2"}, {"0", "3, 4"}, {"2", "5"}} {
		exec(conn, file(of.slot, of.residue))
	}
	exec(conn, `SELECT rowcall.revalidate('bulk')`)
	exec(running, "COMMIT")
	return prev
}

func newLogReader(t *testing.T, db *schematest.Database) *logReader {
	t.Helper()
	pool := dbconn.Over(db.Pool(t))
	return &logReader{pool: pool}
}

// TestReplaysAreExactWhereverRowsLie reads spans page by page, from their beginning and from inside.
func TestReplaysAreExactWhereverRowsLie(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	conn := pollerConn(t, db)
	prev := scatter(t, db, conn)
	seen := takeSnapshot(t, conn)
	if _, err := conn.Exec(t.Context(), `SELECT rowcall.publish('bulk', 'after', '1')`); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		topics []topic.Topic
		where  string
	}{
		"one topic and below": {[]topic.Topic{"bulk"}, `topic LIKE 'bulk%'`},
		"one topic":           {[]topic.Topic{"bulk/2"}, `topic = 'bulk/2'`},
		"several topics":      {[]topic.Topic{"hall", "bulk/1"}, `topic IN ('hall', 'bulk/1')`},
		"no events":           {[]topic.Topic{"none"}, `false`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const wanted = `SELECT id FROM rowcall.log WHERE type = 'test' AND pg_visible_in_snapshot(xid, $1::pg_snapshot) AND `
			rows, _ := db.Pool(t).Query(t.Context(), wanted+c.where+` ORDER BY id`, seen.String())
			want, err := pgx.CollectRows(rows, pgx.RowTo[int64])
			if err != nil {
				t.Fatal(err)
			}
			r := newLogReader(t, db)
			for _, after := range []int{0, 1, len(want) / 2, len(want) - 1} {
				if after < 0 || after >= len(want) && after > 0 {
					continue
				}
				p := position{prev: prev, cur: seen, inside: true}
				if after > 0 {
					p.id = want[after-1]
				}
				expectReplay(t, r, p, c.topics, want[after:])
			}
		})
	}
}

// expectReplay counts and reads what follows a position inside a span.
func expectReplay(t *testing.T, r *logReader, p position, topics []topic.Topic, want []int64) {
	t.Helper()
	n, err := r.countAfter(t.Context(), cursor{"e", p}, p.cur, topics, 100_000, func() {})
	if err != nil || n != len(want) {
		t.Errorf("behind id %d %d events are counted, %v; want %d", p.id, n, err, len(want))
	}
	var got []int64
	var used *outline
	for pages := 0; p.inside; pages++ {
		span := nextSpan(p, p.cur)
		var page logPage
		if page, used, err = r.readPage(t.Context(), replay{"e", span, topics}, used, sizeLimit{300, 30_000}, func() {}); err != nil {
			t.Fatal(err)
		}
		if len(page.events) > 300 || len(page.events) > 1 && totalSize(page.events) > 30_000+500*len(page.events) {
			t.Errorf("a page has %d events and %d bytes", len(page.events), totalSize(page.events))
		}
		for _, e := range page.events {
			got = append(got, e.ID)
		}
		if p = span.behind(page); pages > len(want) {
			t.Fatal("pages bring nothing, and do not end")
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %d events, want %d in the order of their ids", len(got), len(want))
	}
}

// TestAnOutlineIsNotUsedAfterRowsHaveMoved rewrites a slot that it knows, and one that it does not.
func TestAnOutlineIsNotUsedAfterRowsHaveMoved(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	conn := pollerConn(t, db)
	prev := takeSnapshot(t, conn)
	db.Exec(t, `SELECT rowcall.publish('room', 'test', '1') FROM generate_series(1, 3000)`)
	what := replay{"e", nextSpan(positionAfter(prev), takeSnapshot(t, conn)), []topic.Topic{"room"}}
	r := newLogReader(t, db)
	_, used, err := r.readPage(t.Context(), what, nil, sizeLimit{300, 1 << 20}, func() {})
	if err != nil || used == nil {
		t.Fatalf("the first page is read with the outline %v, %v", used, err)
	}
	db.Exec(t, `VACUUM FULL rowcall.log_1`)
	if err := r.checkUnmoved(t.Context(), used); err != nil {
		t.Errorf("after a rewrite of another slot: %v", err)
	}
	db.Exec(t, `VACUUM FULL rowcall.log_0`)
	if err := r.checkUnmoved(t.Context(), used); !errors.Is(err, errMoved) {
		t.Errorf("after a rewrite of the slot: %v, want %v", err, errMoved)
	}
	if r.outlines.find(what) != nil {
		t.Error("the outline is kept for other readers")
	}
}

// TestOutlinesAreMadeOnce has readers ask for the same outline together, of whom the first fails.
func TestOutlinesAreMadeOnce(t *testing.T) {
	t.Parallel()
	var shelf outlineShelf
	what := replay{epoch: "e"}
	large := &outline{what: what, events: fewestShelved}
	working, fail := make(chan struct{}), make(chan struct{})
	failed := errors.New("failed")
	first := make(chan error)
	go func() {
		_, err := shelf.get(t.Context(), what, func() (*outline, error) {
			close(working)
			<-fail
			return nil, failed
		})
		first <- err
	}()
	<-working
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := shelf.get(canceled, what, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("who waits and leaves gets %v", err)
	}
	works := make(chan struct{}, 10)
	found := make(chan *outline)
	for range cap(works) {
		go func() {
			o, _ := shelf.get(t.Context(), what, func() (*outline, error) { works <- struct{}{}; return large, nil })
			found <- o
		}()
	}
	close(fail)
	if err := <-first; !errors.Is(err, failed) {
		t.Errorf("the first gets %v", err)
	}
	for range cap(works) {
		if o := <-found; o != large {
			t.Errorf("got the outline %v", o)
		}
	}
	if len(works) != 1 || shelf.find(what) != large {
		t.Errorf("the outline was made %d times and is kept: %t; want once", len(works), shelf.find(what) != nil)
	}
}

// TestTheShelfKeepsFewOutlines makes more than it keeps, small ones among them.
func TestTheShelfKeepsFewOutlines(t *testing.T) {
	t.Parallel()
	var shelf outlineShelf
	put := func(epoch string, events int) {
		what := replay{epoch: epoch}
		if _, err := shelf.get(t.Context(), what, func() (*outline, error) { return &outline{what: what, events: events}, nil }); err != nil {
			t.Fatal(err)
		}
	}
	put("first", fewestShelved)
	put("second", fewestShelved)
	for i := range mostShelved - 1 {
		shelf.find(replay{epoch: "first"}) // used, so that the second is the oldest
		put(string(rune('a'+i)), fewestShelved)
	}
	put("small", fewestShelved-1)
	for epoch, want := range map[string]bool{"first": true, "second": false, "c": true, "small": false} {
		if kept := shelf.find(replay{epoch: epoch}) != nil; kept != want {
			t.Errorf("%s is kept: %t, want %t", epoch, kept, want)
		}
	}
}
