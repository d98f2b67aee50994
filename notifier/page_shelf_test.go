package notifier

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
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
