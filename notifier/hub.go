package notifier

import (
	"iter"
	"maps"
	"slices"
	"sync"

	"rowcall/notifier/topic"
)

// hub knows who follows what, keeps the tail, and is where the node stands in the log.
//
// One goroutine, the poller, calls begin, route, demote and finish for each batch, restart and restarted
// in place of finish where it begins anew, and plant; everything else may be called from anywhere.
type hub struct {
	options *Options

	mu      sync.Mutex             // guards all below; nothing blocks under it, and no other lock is taken
	subs    map[*Subscription]bool // whether polls feed it
	topics  map[topic.Topic]map[*Subscription]struct{}
	users   map[string]map[*Subscription]struct{}
	tail    tail
	epoch   string
	prev    snapshot // what all live subscriptions have been handed
	cursor  string   // the text of prev
	busy    bool     // a batch is being handed on: prev does not say yet where live subscriptions are
	keep    tailBatch
	waiting []*Subscription // to be attached when the batch is done
}

func newHub(o *Options) *hub {
	return &hub{
		options: o,
		subs:    make(map[*Subscription]bool),
		topics:  make(map[topic.Topic]map[*Subscription]struct{}),
		users:   make(map[string]map[*Subscription]struct{}),
	}
}

// add registers a subscription: from now on access events of its topics reach it, events do not yet.
func (h *hub) add(s *Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subs[s] = false
	for _, t := range s.topics {
		index(h.topics, t, s)
	}
	index(h.users, s.follower.User, s)
	if s.follower.Alias != "" {
		index(h.users, s.follower.Alias, s)
	}
}

func (h *hub) remove(s *Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.subs, s)
	for _, t := range s.topics {
		unindex(h.topics, t, s)
	}
	unindex(h.users, s.follower.User, s)
	unindex(h.users, s.follower.Alias, s)
}

func index[K comparable](by map[K]map[*Subscription]struct{}, key K, s *Subscription) {
	if by[key] == nil {
		by[key] = make(map[*Subscription]struct{})
	}
	by[key][s] = struct{}{}
}

func unindex[K comparable](by map[K]map[*Subscription]struct{}, key K, s *Subscription) {
	delete(by[key], s)
	if len(by[key]) == 0 {
		delete(by, key)
	}
}

// followed reports whether anybody here follows the topic or an ancestor.
func (h *hub) followed(t topic.Topic) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for above := range t.Lineage {
		if len(h.topics[above]) > 0 {
			return true
		}
	}
	return false
}

// where is the node's place: its epoch and what has been handed to all live subscriptions.
func (h *hub) where() (cursor, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return cursor{epoch: h.epoch, position: after(h.prev)}, h.cursor
}

// bookmark is the text of the node's place when live subscriptions stand exactly there. While a batch
// is being handed on it would take back those that have had some of it.
func (h *hub) bookmark() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.busy {
		return ""
	}
	return h.cursor
}

// restart begins anew at prev: the tail is of no use, and neither is any place in it. It returns
// all subscriptions, which must be told before restarted is called.
func (h *hub) restart(epoch string, prev snapshot) []*Subscription {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.epoch, h.prev, h.busy, h.keep = epoch, prev, true, tailBatch{}
	h.cursor = cursor{epoch: epoch, position: after(prev)}.String()
	h.tail.reset(prev)
	return slices.Collect(maps.Keys(h.subs))
}

// restarted says that all have been told. It returns who waited to be attached.
func (h *hub) restarted() []*Subscription {
	h.mu.Lock()
	defer h.mu.Unlock()
	waiting := h.waiting
	h.busy, h.waiting = false, nil
	return waiting
}

// plant gives the empty tail of a node that has just started its first batch.
func (h *hub) plant(start snapshot, b tailBatch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tail.reset(start)
	h.tail.add(b, h.options.TailEvents, h.options.TailBytes)
}

// begin opens a batch and returns the subscriptions whose access it puts in question. Those are all where the node
// begins anew: nobody knows what events of access it has missed.
func (h *hub) begin(b *batch) []*Subscription {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy = true
	h.keep = tailBatch{seen: b.seen}
	if b.prev.zero() {
		return slices.Collect(maps.Keys(h.subs))
	}
	return h.affectedLocked(b.access)
}

func (h *hub) affectedLocked(access []accessEvent) []*Subscription {
	if len(access) == 0 {
		return nil
	}
	candidates := make(map[*Subscription]struct{})
	for _, a := range access {
		if a.user == "" {
			return pickAffected(maps.Keys(h.subs), access)
		}
		maps.Copy(candidates, h.users[a.user])
	}
	return pickAffected(maps.Keys(candidates), access)
}

func pickAffected(candidates iter.Seq[*Subscription], access []accessEvent) []*Subscription {
	asked := make(map[accessEvent]struct{}, len(access))
	for _, a := range access {
		asked[a] = struct{}{}
	}
	var affected []*Subscription
	for s := range candidates {
		if s.affected(asked) {
			affected = append(affected, s)
		}
	}
	return affected
}

// affected reports whether one of the access events is about this subscription: about one of its
// topics or an ancestor, and about everybody or its user.
func (s *Subscription) affected(asked map[accessEvent]struct{}) bool {
	user := s.follower.User
	if is(asked, accessEvent{user: user}) || is(asked, accessEvent{user: s.follower.Alias}) || is(asked, accessEvent{}) {
		return true
	}
	for _, topic := range s.topics {
		for t := range topic.Lineage {
			if is(asked, accessEvent{topic: t}) || user != "" && is(asked, accessEvent{t, user}) {
				return true
			}
		}
	}
	return false
}

func is(set map[accessEvent]struct{}, a accessEvent) bool {
	_, ok := set[a]
	return ok
}

// delivery is what one chunk brings a subscription.
type delivery struct {
	to     *Subscription
	events []*Event
}

// route says who gets which events of a chunk. All followers of one topic share one slice.
func (h *hub) route(events []*Event) []delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keepLocked(events)
	byTopic := make(map[topic.Topic][]*Event)
	for _, e := range events {
		for t := range e.Topic.Lineage {
			if _, followed := h.topics[t]; followed {
				byTopic[t] = append(byTopic[t], e)
			}
		}
	}
	var out []delivery
	several := make(map[*Subscription]struct{})
	for t, events := range byTopic {
		for s := range h.topics[t] {
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
		out = append(out, delivery{s, only(s.topics, events)})
	}
	return out
}

// only picks, in order and each once, what followers of the topics receive.
func only(topics []topic.Topic, events []*Event) []*Event {
	var picked []*Event
	for _, e := range events {
		if covered(topics, e.Topic) {
			picked = append(picked, e)
		}
	}
	return picked
}

// keepLocked remembers a chunk for the tail, as long as the batch is not larger than the tail.
func (h *hub) keepLocked(events []*Event) {
	if h.keep.bytes > h.options.TailBytes || len(h.keep.events) > h.options.TailEvents {
		return
	}
	h.keep.events = append(h.keep.events, events...)
	for _, e := range events {
		h.keep.bytes += e.size()
	}
}

// demote stops feeding subscriptions whose queues are full: they pull.
func (h *hub) demote(subs []*Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range subs {
		if _, there := h.subs[s]; there {
			h.subs[s] = false
		}
	}
}

// finish closes a batch: the node stands behind it. It returns who waited to be attached.
func (h *hub) finish(b *batch) []*Subscription {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tail.add(h.keep, h.options.TailEvents, h.options.TailBytes)
	h.prev, h.busy, h.keep = b.seen, false, tailBatch{}
	h.cursor = cursor{epoch: h.epoch, position: after(b.seen)}.String()
	waiting := h.waiting
	h.waiting = nil
	return waiting
}

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
