package notifier

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"rowcall/notifier/topic"
)

// hub knows which subscriptions follow which topics, keeps the tail, and is the node's place in the
// log.
//
// The poller's goroutine alone calls openPoll, route, stopFeeding and closePoll for each poll,
// beginRestart and endRestart in place of closePoll when it begins anew, and plantTail. Everything
// else may be called from any goroutine.
type hub struct {
	options *Options

	// Nothing blocks, and no other lock is taken, while mu is held.
	mu         sync.Mutex             // guards all below
	subs       map[*Subscription]bool // true: polls feed it
	topics     topicIndex
	users      map[string]map[*Subscription]struct{} // by user id and by alias
	tail       tail
	epoch      string
	prev       snapshot                   // every live subscription has been handed what it sees
	cursor     string                     // the text of prev
	delivering bool                       // a poll is being handed on: some live subscriptions are past prev
	current    tailPoll                   // what that poll adds to the tail
	deferred   map[*Subscription]struct{} // they wait for the end of that poll to be attached
}

func newHub(o *Options) *hub {
	h := &hub{
		options:  o,
		subs:     make(map[*Subscription]bool),
		topics:   make(topicIndex),
		users:    make(map[string]map[*Subscription]struct{}),
		deferred: make(map[*Subscription]struct{}),
	}
	h.tail.restartAt(snapshot{})
	return h
}

// register adds a subscription. From now on access events of its topics reach it; other events do
// not yet.
func (h *hub) register(s *Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subs[s] = false
	for _, t := range s.topics {
		h.topics.add(t, s)
	}
	h.addUser(s.follower.User, s)
	if s.follower.Alias != "" {
		h.addUser(s.follower.Alias, s)
	}
}

func (h *hub) unregister(s *Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.subs, s)
	delete(h.deferred, s)
	for _, t := range s.topics {
		h.topics.remove(t, s)
	}
	h.removeUser(s.follower.User, s)
	h.removeUser(s.follower.Alias, s)
}

// addUser files the subscription under a user's id or alias. h.mu is held.
func (h *hub) addUser(user string, s *Subscription) {
	if h.users[user] == nil {
		h.users[user] = make(map[*Subscription]struct{})
	}
	h.users[user][s] = struct{}{}
}

// removeUser takes addUser back. h.mu is held.
func (h *hub) removeUser(user string, s *Subscription) {
	delete(h.users[user], s)
	if len(h.users[user]) == 0 {
		delete(h.users, user)
	}
}

// isFollowed reports whether a subscription of this node follows the topic or an ancestor of it.
func (h *hub) isFollowed(t topic.Topic) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for above := range t.Lineage {
		if len(h.topics.followers(above)) > 0 {
			return true
		}
	}
	return false
}

// subscriptions returns all of them, in no order.
func (h *hub) subscriptions() []*Subscription {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.subs))
}

// countFollowers returns the number of subscriptions of each topic, in no order.
func (h *hub) countFollowers() []TopicCount {
	h.mu.Lock()
	defer h.mu.Unlock()
	counts := make([]TopicCount, 0, len(h.topics))
	for t, subscribers := range h.topics.all() {
		counts = append(counts, TopicCount{t, subscribers})
	}
	return counts
}

// place is where the node stands, as a cursor and as its text: the end of the last poll that was
// handed on completely.
func (h *hub) place() (cursor, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return cursorAfter(h.epoch, h.prev), h.cursor
}

// bookmark is the text of the node's place if all live subscriptions stand exactly there. It is
// empty while a poll is being handed on: for a subscription that has had some of it, the place lies
// behind.
func (h *hub) bookmark() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.delivering {
		return ""
	}
	return h.cursor
}

// beginRestart begins anew at prev: no position in the old tail is of use. It returns all
// subscriptions; they must be reset before endRestart is called.
func (h *hub) beginRestart(epoch string, prev snapshot) []*Subscription {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.epoch, h.prev, h.delivering, h.current = epoch, prev, true, tailPoll{}
	h.cursor = cursorAfter(epoch, prev).String()
	h.tail.restartAt(prev)
	return slices.Collect(maps.Keys(h.subs))
}

// endRestart says that all subscriptions were reset. It returns the subscriptions that waited to be
// attached.
func (h *hub) endRestart() []*Subscription {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.delivering = false
	return h.takeDeferredLocked()
}

// plantTail fills the tail of a node that has just started with the log's newest events, which come
// after start.
func (h *hub) plantTail(start snapshot, p tailPoll) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tail.restartAt(start)
	h.tail.push(p, h.options.tailLimit())
}

// openPoll begins to hand on a poll, and returns the subscriptions whose access it puts in
// question. If the node begins anew it returns all of them, because the access events that the node
// has missed are not known.
func (h *hub) openPoll(p *poll) []*Subscription {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.delivering = true
	h.current = newTailPoll(p.logInterval)
	if p.isFirst() {
		return slices.Collect(maps.Keys(h.subs))
	}
	return h.concernedLocked(p.access)
}

// concernedLocked returns the subscriptions that the access events are about.
func (h *hub) concernedLocked(access []accessEvent) []*Subscription {
	events := newAccessEvents(access)
	var concerned []*Subscription
	for s := range h.candidatesLocked(events) {
		if events.concern(s.topics, s.follower) {
			concerned = append(concerned, s)
		}
	}
	return concerned
}

// candidatesLocked returns the subscriptions that the events may be about: all others need not be
// looked at. It finds them in the indexes, so its work grows with what the events are about, and
// not with all that is followed on this node.
func (h *hub) candidatesLocked(events accessEvents) map[*Subscription]struct{} {
	found := make(map[*Subscription]struct{})
	if events.has("", "") {
		for s := range h.subs {
			found[s] = struct{}{}
		}
		return found
	}
	for a := range events {
		switch {
		case events.haveAncestorOf(a.topic):
			// the event about the ancestor finds the same subscriptions
		case a.topic == "" || a.user != "" && len(h.users[a.user]) <= h.topics.countBelow(a.topic):
			maps.Copy(found, h.users[a.user])
		default:
			for s := range h.topics.followersBelow(a.topic) {
				found[s] = struct{}{}
			}
		}
	}
	return found
}

// delivery is what one chunk brings one subscription.
type delivery struct {
	subscription *Subscription
	events       []*Event
}

// route decides which subscription gets which events of a chunk. All followers of one topic share
// one slice: it is built once, however many they are. A subscription gets a slice of its own only if
// several of its topics have events, because these must come in one order, and each event once.
func (h *hub) route(events []*Event) []delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.current.events) == 0 || h.options.tailLimit().allows(len(h.current.events), h.current.bytes) {
		h.current.add(events) // else the poll exceeds the tail as a whole, which push notices
	}
	byTopic := make(map[topic.Topic][]*Event)
	for _, e := range events {
		for t := range h.topics.followedNear(e) {
			byTopic[t] = append(byTopic[t], e)
		}
	}
	var out []delivery
	several := make(map[*Subscription]struct{})
	for t, events := range byTopic {
		for s := range h.topics.followers(t) {
			switch {
			case !h.subs[s]:
			case len(s.topics) == 1:
				out = append(out, delivery{s, events})
			default:
				several[s] = struct{}{}
			}
		}
	}
	for s := range several {
		out = append(out, delivery{s, mergeEvents(s.topics, byTopic)})
	}
	return out
}

// mergeEvents returns the events of the topics, in the order of ids and each once. The work grows
// with these events, not with all events of a chunk.
func mergeEvents(topics []topic.Topic, byTopic map[topic.Topic][]*Event) []*Event {
	var lists [][]*Event
	for _, t := range topics {
		if events := byTopic[t]; len(events) > 0 {
			lists = append(lists, events)
		}
	}
	if len(lists) == 1 {
		return lists[0]
	}
	merged := slices.Concat(lists...)
	slices.SortFunc(merged, func(a, b *Event) int { return cmp.Compare(a.ID, b.ID) })
	return slices.Compact(merged)
}

// stopFeeding takes subscriptions whose queues are full out of the deliveries: they pull.
func (h *hub) stopFeeding(subs []*Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range subs {
		if _, registered := h.subs[s]; registered {
			h.subs[s] = false
		}
	}
}

// closePoll ends a poll: the node stands behind it. It returns the subscriptions that waited to be
// attached.
func (h *hub) closePoll(p *poll) []*Subscription {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tail.push(h.current, h.options.tailLimit())
	h.prev, h.delivering, h.current = p.seen, false, tailPoll{}
	h.cursor = cursorAfter(h.epoch, p.seen).String()
	return h.takeDeferredLocked()
}

func (h *hub) takeDeferredLocked() []*Subscription {
	waiting := slices.Collect(maps.Keys(h.deferred))
	clear(h.deferred)
	return waiting
}

// tailReaches reports whether the tail goes back to p.
func (h *hub) tailReaches(p position) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return p.prev.covers(h.tail.start)
}

// countInTail counts the events that follow p on the topics, up to where the node stands. It
// returns false if the tail does not know them.
func (h *hub) countInTail(p position, topics []topic.Topic) (int, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, n, ok := h.tail.after(p, topics, sizeLimit{})
	return n, ok
}

// goLive is the step from replay to live. It attaches a pulling subscription to the node's polls if
// the tail has what it has missed, or queues the first part of that. With attachTooFar the
// subscription still has to pull.
//
// It takes the subscription's lock, the hub's, and the subscription's again, never two at once. In
// between, live events are set aside and a reset may come: see Subscription.endAttach.
func (h *hub) goLive(s *Subscription) attachment {
	p, resets, ok := s.beginAttach()
	if !ok {
		return attachGone
	}
	missed, result := h.attach(s, p)
	s.endAttach(resets, missed, result)
	if result == attachDone {
		s.releaseReplaySlot()
	}
	return result
}

// attach makes polls feed s from p on, if the tail has what follows p. It returns those events:
// they come before the events of the next poll. If they are too many for a queue, it returns the
// first of them, and polls do not feed s yet. A subscription that begins where a poll under way will
// end, or in a newer snapshot, waits until the node stands there.
func (h *hub) attach(s *Subscription, p position) ([]*Event, attachment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, registered := h.subs[s]; !registered {
		return nil, attachGone
	}
	if h.delivering || !h.prev.covers(p.upperBound()) {
		h.deferred[s] = struct{}{}
		return nil, attachDeferred
	}
	missed, n, ok := h.tail.after(p, s.topics, h.options.refillLimit())
	switch {
	case !ok:
		return nil, attachTooFar
	case len(missed) < n:
		return missed, attachPart
	}
	h.subs[s] = true
	return missed, attachDone
}

// TopicCount is how many subscriptions a topic has on this node.
type TopicCount struct {
	Topic       topic.Topic `json:"topic"`
	Subscribers int         `json:"subscribers"`
}

// queues returns all subscriptions as a census sees them.
func (h *hub) queues() []countedQueue {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]countedQueue, 0, len(h.subs))
	for s := range h.subs {
		all = append(all, s)
	}
	return all
}
