package notifier

import (
	"context"
	"slices"
	"sync"
)

const (
	// mostShelved is how many outlines the shelf keeps.
	mostShelved = 16
	// fewestShelved is how many events an outline must have to be kept: smaller ones are made again as
	// fast as they are found.
	fewestShelved = 2000
)

// outlineShelf keeps the outlines that were used last, so that many readers of a huge transaction
// need one walk over it together. While one of them walks, the others wait for its outline.
type outlineShelf struct {
	mu   sync.Mutex       // guards all below
	kept []*outlineOnWork // the last used at the end
}

// outlineOnWork is an outline that was made, or is being made.
type outlineOnWork struct {
	what    replay
	made    chan struct{} // closed when the work has ended
	outline *outline      // set before that; nil: the work has failed
}

// find returns the outline of a replay if it is there, else nil.
func (s *outlineShelf) find(what replay) *outline {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.useLocked(what); found != nil {
		return found.outline
	}
	return nil
}

// useLocked returns what the shelf has of a replay, as the last used. It returns nil if it has
// nothing.
func (s *outlineShelf) useLocked(what replay) *outlineOnWork {
	i := slices.IndexFunc(s.kept, func(w *outlineOnWork) bool { return w.what.isIn(what) })
	if i < 0 {
		return nil
	}
	found := s.kept[i]
	s.kept = append(slices.Delete(s.kept, i, i+1), found)
	return found
}

// get returns the outline of a replay. If it is not there, it is made; if somebody makes it already,
// get waits for that.
func (s *outlineShelf) get(ctx context.Context, what replay, work func() (*outline, error)) (*outline, error) {
	for {
		on, mine := s.begin(what)
		if mine {
			return s.finish(on, work)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-on.made:
		}
		if on.outline != nil {
			return on.outline, nil
		}
	}
}

// begin returns the work on the outline of a replay, and whether the caller has to do it.
func (s *outlineShelf) begin(what replay) (on *outlineOnWork, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if on := s.useLocked(what); on != nil {
		return on, false
	}
	on = &outlineOnWork{what: what, made: make(chan struct{})}
	s.kept = append(s.kept, on)
	if len(s.kept) > mostShelved {
		s.kept = slices.Delete(s.kept, 0, 1)
	}
	return on, true
}

func (s *outlineShelf) finish(on *outlineOnWork, work func() (*outline, error)) (o *outline, err error) {
	defer func() { // also if work panics
		s.mu.Lock()
		defer s.mu.Unlock()
		on.outline = o
		if o == nil || o.events < fewestShelved {
			s.removeLocked(on)
		}
		close(on.made)
	}()
	return work()
}

// forget removes an outline that is of no use any more.
func (s *outlineShelf) forget(o *outline) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, on := range slices.Clone(s.kept) {
		if on.outline == o {
			s.removeLocked(on)
		}
	}
}

func (s *outlineShelf) removeLocked(on *outlineOnWork) {
	s.kept = slices.DeleteFunc(s.kept, func(other *outlineOnWork) bool { return other == on })
}
