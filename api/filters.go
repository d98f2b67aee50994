package api

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rowcall/api/access"
	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/filter"
	"rowcall/notifier/topic"
)

// maxFiltersPerTopic is how many different filters a topic may have on a node.
const maxFiltersPerTopic = 1000

// filterTable holds the filters of a node's subscriptions, so that those which are spelled alike test each event once.
type filterTable struct {
	topics *access.Rules

	mu       sync.Mutex // guards followed, and what topicFilters hold
	followed map[topic.Topic]*topicFilters
}

// topicFilters are the filters of one topic, by their one spelling.
type topicFilters struct {
	filters map[string]*sharedFilter
	changes *recentChanges
}

func newFilterTable(topics *access.Rules) *filterTable {
	return &filterTable{topics: topics, followed: map[topic.Topic]*topicFilters{}}
}

// acquire returns the shared filter of a topic, which release gives back. The error is problem.ErrRateLimited if the topic
// has too many.
func (t *filterTable) acquire(followed topic.Topic, own *access.Filter) (*sharedFilter, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	of := t.followed[followed]
	if of == nil {
		of = &topicFilters{filters: map[string]*sharedFilter{}, changes: &recentChanges{}}
	}
	shared := of.filters[own.Canonical()]
	switch {
	case shared == nil && len(of.filters) >= maxFiltersPerTopic:
		sentence := fmt.Sprintf("where: this topic has %d different filters on this node: use one of those, or come back later", maxFiltersPerTopic)
		return nil, problem.ExplainDelay(problem.ErrRateLimited, sentence, 30*time.Second)
	case shared == nil:
		shared = &sharedFilter{
			topics: t.topics, topic: followed, spelling: own.Canonical(), mark: newCursorMark(followed, own.Canonical()), changes: of.changes, own: own,
		}
		of.filters[shared.spelling] = shared
	}
	t.followed[followed] = of
	shared.followers.Add(1)
	return shared, nil
}

// release gives a shared filter back. The last one that does forgets it.
func (t *filterTable) release(shared *sharedFilter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if shared.followers.Add(-1) > 0 {
		return
	}
	of := t.followed[shared.topic]
	delete(of.filters, shared.spelling)
	if len(of.filters) == 0 {
		delete(t.followed, shared.topic)
	}
}

// sharedFilter is a filter of a topic that several subscriptions may have.
type sharedFilter struct {
	topics   *access.Rules
	topic    topic.Topic
	spelling string
	mark     cursorMark
	changes  *recentChanges

	followers atomic.Int64

	mu     sync.Mutex // guards what follows; the tests of events run under it
	own    *access.Filter
	recent recentOutcomes
}

// keepUp makes the filter anew if the columns of a table have changed. The error is problem.ErrFilter if it does not fit
// any more.
func (s *sharedFilter) keepUp() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.own.IsOutdated() {
		return nil
	}
	renewed, err := s.topics.Renewed(s.topic, s.own)
	if err != nil {
		return err
	}
	s.own, s.recent = renewed, recentOutcomes{}
	return nil
}

// hear returns what followers hear of an event: nil if they hear nothing. It reports false if the event has other columns
// than the filter, so that nobody can say whether its row passes.
func (s *sharedFilter) hear(e *notifier.Event) (told *notifier.Event, fits bool) {
	if known, told, fits := s.find(e); known {
		return told, fits
	}
	change := s.changes.read(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, told, fits := s.recent.find(e); known {
		return told, fits
	}
	told, fits = s.tell(e, change)
	if s.followers.Load() > 1 {
		s.recent.keep(e, told, fits)
	}
	return told, fits
}

func (s *sharedFilter) find(e *notifier.Event) (known bool, told *notifier.Event, fits bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recent.find(e)
}

// tell tests an event. change is nil for events that carry no row.
func (s *sharedFilter) tell(e *notifier.Event, change *filter.Change) (told *notifier.Event, fits bool) {
	own := s.own.OfEvent(e.Type)
	if own == nil || change == nil {
		return nil, true
	}
	outcome, err := own.Outcome(*change)
	if err != nil {
		return nil, false
	}
	table, _, _ := strings.Cut(e.Type, ".")
	switch outcome {
	case filter.Same:
		return e.Told(e.Type, e.Data, string(s.mark)), true
	case filter.Enter:
		return e.Told(table+".enter", change.Entered(), string(s.mark)), true
	case filter.Leave:
		return e.Told(table+".leave", change.Left(), string(s.mark)), true
	}
	return nil, true
}
