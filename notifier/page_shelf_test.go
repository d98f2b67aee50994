package notifier

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
)

// TestReadersShareAPage has readers ask for one page at the same time, and again later: it is read once. A page that could
// not be read is read again, and a page of another outline is another page.
func TestReadersShareAPage(t *testing.T) {
	t.Parallel()
	var shelf pageShelf
	var reads atomic.Int64
	key := pageKey{outline: new(outline), limit: sizeLimit{500, 1000}}
	get := func(key pageKey, id int64, err error) (logPage, error) {
		return shelf.get(t.Context(), key, func() (logPage, error) {
			reads.Add(1)
			return logPage{through: id}, err
		})
	}
	failed := errors.New("the database does not answer")
	if _, err := get(key, 0, failed); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	for range 10 {
		readers.Go(func() {
			if page, err := get(key, 7, nil); err != nil || page.through != 7 {
				t.Errorf("got page %+v, %v", page, err)
			}
		})
	}
	readers.Wait()
	if n := reads.Load(); n != 2 {
		t.Errorf("the page was read %d times, want once in vain and once for all readers", n)
	}
	moved := key
	moved.outline = &outline{width: 1}
	if page, err := get(moved, 8, nil); err != nil || page.through != 8 {
		t.Errorf("by another outline: page %+v, %v", page, err)
	}
	for after := range int64(mostShelvedPages) {
		key.after = 1 + after
		_, _ = get(key, 9, nil)
	}
	if n := len(shelf.kept); n != mostShelvedPages {
		t.Errorf("%d pages are kept, want %d", n, mostShelvedPages)
	}
}

// TestAReaderDoesNotWaitForAPageForEver gives up while another reader reads.
func TestAReaderDoesNotWaitForAPageForEver(t *testing.T) {
	t.Parallel()
	var shelf pageShelf
	var key pageKey
	ctx, stop := context.WithCancelCause(t.Context())
	stop(errInterrupted)
	_, err := shelf.get(t.Context(), key, func() (logPage, error) {
		_, waited := shelf.get(ctx, key, func() (logPage, error) { return logPage{}, errors.New("read twice") })
		return logPage{}, waited
	})
	if !errors.Is(err, errInterrupted) {
		t.Errorf("got %v, want %v", err, errInterrupted)
	}
}

// TestALargePageIsNotKept reads a page with an event that is larger than a page should be.
func TestALargePageIsNotKept(t *testing.T) {
	t.Parallel()
	var shelf pageShelf
	large := logPage{events: []*Event{{Data: make([]byte, mostShelvedCost)}}}
	page, err := shelf.get(t.Context(), pageKey{}, func() (logPage, error) { return large, nil })
	if err != nil || len(page.events) != 1 || len(shelf.kept) != 0 {
		t.Errorf("got %d events, %v, and %d pages are kept; want the event and none", len(page.events), err, len(shelf.kept))
	}
}

// TestEachReaderChecksTheFloorAfterASharedPage empties nothing, but moves the floor, between two readers of a page.
func TestEachReaderChecksTheFloorAfterASharedPage(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	conn := pollerConn(t, db)
	prev := takeSnapshot(t, conn)
	db.Exec(t, `SELECT rowcall.publish('room', 'test', '1') FROM generate_series(1, 3000)`)
	what := replay{"e", nextSpan(positionAfter(prev), takeSnapshot(t, conn)), []topic.Topic{"room"}}
	o := Options{}.withDefaults()
	p := &puller{options: &o, pool: dbconn.Over(db.Pool(t)), reader: newLogReader(t, db)}
	first, err := p.readPage(t.Context(), new(Subscription), what, func() {})
	if err != nil || len(first.events) == 0 {
		t.Fatalf("the first reader gets %d events, %v", len(first.events), err)
	}
	second, err := p.readPage(t.Context(), new(Subscription), what, func() {})
	if err != nil || len(second.events) == 0 || second.events[0] != first.events[0] {
		t.Fatalf("the second reader gets %d events, %v; want the same as the first", len(second.events), err)
	}
	db.Exec(t, `UPDATE rowcall.floor SET xid = pg_snapshot_xmax(pg_current_snapshot()), snap = pg_current_snapshot()`)
	if _, err := p.readPage(t.Context(), new(Subscription), what, func() {}); !errors.Is(err, errExpired) {
		t.Errorf("behind the floor a reader of the shared page gets %v, want %v", err, errExpired)
	}
}
