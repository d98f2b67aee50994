package notifier

import (
	"context"
	"errors"
	"slices"
	"sync"
)

const (
	// mostShelvedPages is how many pages the shelf keeps.
	mostShelvedPages = 16
	// mostShelvedCost is how many bytes the events of a page may take in memory if the shelf is to keep
	// it: one event may be of any size. All pages together take at most 8 MiB, and their encodings.
	mostShelvedCost = 2 * pageBytes
)

// pageShelf keeps the pages that were read last by an outline, so that many readers of a huge
// transaction need one statement for each page together, and one encoding of each event. While one of
// them reads a page, the others that are due for it wait.
//
// A page of a span never changes, so a reader may get one that was read a while ago. What has to be
// checked after a page, the reader checks itself: the floor, the files of the outline, and access.
type pageShelf struct {
	mu   sync.Mutex    // guards all below
	kept []*pageOnWork // the last used at the end
}

// pageKey names a page: the outline that it is read by, the id that it follows, and its limit. A
// page that was read by an outline of rows that have moved since is of no use for another outline.
type pageKey struct {
	outline *outline
	after   int64
	limit   sizeLimit
}

// pageOnWork is a page that was read, or is being read.
type pageOnWork struct {
	key  pageKey
	done chan struct{} // closed when the work has ended
	page logPage       // set before that, if the work has not failed
	err  error         // set before that
}

// errPageAbandoned is the error of work that has not ended, or never will because it has panicked.
var errPageAbandoned = errors.New("the page was not read to its end")

// get returns a page. If it is not there, it is read; if somebody reads it already, get waits for
// that.
func (s *pageShelf) get(ctx context.Context, key pageKey, read func() (logPage, error)) (logPage, error) {
	for {
		on, mine := s.begin(key)
		if mine {
			return s.finish(on, read)
		}
		select {
		case <-ctx.Done():
			return logPage{}, context.Cause(ctx)
		case <-on.done:
		}
		if on.err == nil {
			return on.page, nil
		}
	}
}

// begin returns the work on a page, and whether the caller has to do it.
func (s *pageShelf) begin(key pageKey) (on *pageOnWork, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.kept, func(on *pageOnWork) bool { return on.key == key }); i >= 0 {
		on = s.kept[i]
		s.kept = append(slices.Delete(s.kept, i, i+1), on)
		return on, false
	}
	on = &pageOnWork{key: key, done: make(chan struct{}), err: errPageAbandoned}
	s.kept = append(s.kept, on)
	if len(s.kept) > mostShelvedPages {
		s.kept = slices.Delete(s.kept, 0, 1)
	}
	return on, true
}

func (s *pageShelf) finish(on *pageOnWork, read func() (logPage, error)) (logPage, error) {
	defer func() { // also if read panics
		if on.err != nil || totalCost(on.page.events) > mostShelvedCost {
			s.remove(on)
		}
		close(on.done)
	}()
	page, err := read()
	on.page, on.err = page, err
	return page, err
}

func (s *pageShelf) remove(on *pageOnWork) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = slices.DeleteFunc(s.kept, func(other *pageOnWork) bool { return other == on })
}
