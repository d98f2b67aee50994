package notifier

import (
	"strconv"

	"rowcall/notifier/topic"
)

// logSpan is a stretch of the log: the events that to sees and from has not passed.
type logSpan struct {
	from position // inside the interval that ends with to
	to   snapshot
}

// nextSpan is the span that a reader at p reads next, on a node that stands at prev: the rest of
// the interval that p is inside of, else everything up to prev.
func nextSpan(p position, prev snapshot) logSpan {
	if p.inside {
		return logSpan{from: p, to: p.cur}
	}
	return logSpan{from: position{prev: p.prev, cur: prev, inside: true}, to: prev}
}

// logPage is one page of a replay. Subscriptions may share its events.
type logPage struct {
	events   []*Event
	complete bool  // the rest of the span holds no more events of these topics
	through  int64 // the page has all events up to this id, if that is behind its last event
}

// A page has at most so many events, and about so many bytes of them.
const (
	pageEvents = 500
	pageBytes  = 256 << 10
)

// pageLimit bounds a page so that it fits into the queue that has asked for it.
func pageLimit(o *Options) sizeLimit {
	room := o.refillLimit()
	return sizeLimit{events: max(1, min(pageEvents, room.events)), bytes: max(1, min(pageBytes, room.bytes))}
}

// spanWhere is the condition that an event lies in a span and may be read: $1 is from.prev's xmax,
// $2 its xip, $3 to, and $4 from.id. Access events are not delivered. Topics follow from $5 on.
const spanWhere = `(xid >= $1 OR xid = ANY ($2)) AND pg_visible_in_snapshot(xid, $3::text::pg_snapshot)
   AND id > $4 AND type <> 'rowcall.access'`

// args are the arguments of spanWhere.
func (s logSpan) args() []any {
	return []any{s.from.prev.xmax, s.from.prev.running(), s.to.String(), s.from.id}
}

// topicsWhere is the condition that an event is filed under one of the topics or below it, or is a reset
// event that may be for its followers: what its pattern has before the first parameter is the topic, or
// lies above or below it. It returns args with its own arguments behind them.
func topicsWhere(topics []topic.Topic, args []any) (string, []any) {
	names, resets := make([]string, len(topics)), make([]string, len(topics))
	aboveResets := []string{resetRoot}
	for i, t := range topics {
		names[i], resets[i] = string(t), resetRoot+string(t)
		for above := range t.Lineage {
			aboveResets = append(aboveResets, resetRoot+string(above))
		}
	}
	filed, args := underWhere(names, names, args)
	reset, args := underWhere(aboveResets, resets, args)
	return "(" + filed + " OR type = '" + resetType + "' AND (" + reset + "))", args
}

// underWhere is the condition that a topic is one of those given, or lies below one of others. Topics are
// compared bytewise: "0" is the byte after "/".
func underWhere(exact, above []string, args []any) (string, []any) {
	args = append(args, exact)
	where := "topic = ANY ($" + strconv.Itoa(len(args)) + ")"
	for _, name := range above {
		n := len(args)
		where += " OR (topic >= $" + strconv.Itoa(n+1) + " AND topic < $" + strconv.Itoa(n+2) + ")"
		args = append(args, name+"/", name+"0")
	}
	return where, args
}

// markPage gives the events of a page of the span their cursors, before anybody else sees them. The
// page has the events of all topics of its readers: so the last event of a complete page can carry
// the cursor of the span's end.
func (s logSpan) markPage(epoch string, p logPage) {
	inside := newCursorPrefix(epoch, logInterval{prev: s.from.prev, seen: s.to})
	for _, e := range p.events {
		e.exact = inside.withID(e.ID)
		e.cursor = e.exact
	}
	if n := len(p.events); n > 0 && p.complete {
		last := p.events[n-1]
		last.exact = cursorAfter(epoch, s.to).String()
		last.cursor = last.exact
	}
}

// behind is the position behind a page of the span.
func (s logSpan) behind(p logPage) position {
	if p.complete {
		return positionAfter(s.to)
	}
	next := s.from
	if n := len(p.events); n > 0 {
		next.id = p.events[n-1].ID
	}
	next.id = max(next.id, p.through)
	return next
}
