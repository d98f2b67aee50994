package notifier

import (
	"rowcall/notifier/topic"
)

// attachment is what became of an attempt to attach.
type attachment int

const (
	attached attachment = iota
	served              // the tail holds more than a queue should: the first part of it
	tooFar              // the tail does not reach back: pull
	notNow              // a batch is being handed on: asked again after it
	gone                // the subscription was removed
)

// reaches reports whether the tail goes back to p.
func (h *hub) reaches(p position) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return p.prev.covers(h.tail.start)
}

// ahead counts what follows p on the topics up to where the node is, or says that the tail does not know.
func (h *hub) ahead(p position, topics []topic.Topic) (int, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	following, ok := h.tail.after(p, topics)
	return len(following), ok
}

// attach makes s live from p, if the tail says what follows p. The backlog is what comes before
// the next batch; of one that no queue may hold only the part that fits comes, and s stays as it is.
func (h *hub) attach(s *Subscription, p position) ([]*Event, attachment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, there := h.subs[s]; !there {
		return nil, gone
	}
	if h.busy {
		h.waiting = append(h.waiting, s)
		return nil, notNow
	}
	backlog, ok := h.tail.after(p, s.topics)
	if !ok {
		return nil, tooFar
	}
	if fit := h.fit(backlog); fit < len(backlog) {
		return backlog[:fit], served
	}
	h.subs[s] = true
	return backlog, attached
}

func (h *hub) fit(events []*Event) int {
	bytes := 0
	for i, e := range events {
		bytes += e.size()
		if i > 0 && (i >= h.options.QueueEvents/2 || bytes > h.options.QueueBytes/2) {
			return i
		}
	}
	return len(events)
}
