package api

import (
	"sync"
	"weak"

	"rowcall/notifier"
	"rowcall/notifier/filter"
)

// recentPlaces is how many of the latest events are remembered: as many as a reader takes at a time.
const recentPlaces = eventsPerTake

// recentOutcomes remembers what followers of a filter hear of the latest events, so that each event is tested and encoded
// once for all of them. What nobody uses any more is not kept in memory.
type recentOutcomes struct{ places []outcomePlace }

type outcomePlace struct {
	event weak.Pointer[notifier.Event]
	told  weak.Pointer[notifier.Event]
	hears bool // told was not nil
	fits  bool
}

func (r *recentOutcomes) find(e *notifier.Event) (known bool, told *notifier.Event, fits bool) {
	if r.places == nil {
		return false, nil, false
	}
	place := r.places[uint64(e.ID)%recentPlaces]
	if place.event.Value() != e {
		return false, nil, false
	}
	told = place.told.Value()
	return !place.hears || told != nil, told, place.fits
}

func (r *recentOutcomes) keep(e, told *notifier.Event, fits bool) {
	if r.places == nil {
		r.places = make([]outcomePlace, recentPlaces)
	}
	r.places[uint64(e.ID)%recentPlaces] = outcomePlace{event: weak.Make(e), told: weak.Make(told), hears: told != nil, fits: fits}
}

// recentChanges remembers the latest events of a topic as changes of rows, so that each is read once for all filters.
type recentChanges struct {
	mu     sync.Mutex // guards places; events are read under it
	places []changePlace
}

type changePlace struct {
	event  weak.Pointer[notifier.Event]
	change weak.Pointer[filter.Change]
}

// read returns the change that an event tells of; nil if it tells of none.
func (r *recentChanges) read(e *notifier.Event) *filter.Change {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.places == nil {
		r.places = make([]changePlace, recentPlaces)
	}
	place := &r.places[uint64(e.ID)%recentPlaces]
	if place.event.Value() == e {
		if change := place.change.Value(); change != nil {
			return change
		}
	}
	change, err := filter.ReadChange(e.Data)
	if err != nil {
		return nil
	}
	*place = changePlace{weak.Make(e), weak.Make(&change)}
	return &change
}
