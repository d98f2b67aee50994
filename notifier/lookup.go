package notifier

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
)

// Lookup is what the log holds of one event, for people who ask why somebody received it or did not.
type Lookup struct {
	Event       *Event        // nil: the log does not hold it
	ReplayReset bool          // retention has dropped events of later transactions than the event's: clients that come back with a cursor from before it get a reset
	Access      []AccessEvent // what was filed after the event and may concern its followers, in the order of the log
	First       int64         // the least id in the log; 0: the log is empty. Set without Event, as the next two are
	Last        int64         // the greatest id
	OldestAt    time.Time     // when the event with the least id was filed
}

// AccessEvent is an access event of the log: access was asked again.
type AccessEvent struct {
	ID    int64
	At    time.Time
	Topic topic.Topic // at or above the event's; empty: all topics
	User  string      // whose access; empty: everybody's

	event accessEvent
}

// Concerns reports whether access of a follower of one of the topics was asked again.
func (a AccessEvent) Concerns(topics []topic.Topic, who Follower) bool {
	return newAccessEvents([]accessEvent{a.event}).concern(topics, who)
}

// IsAccess reports whether the event makes nodes check access again.
func (e *Event) IsAccess() bool { return e.Type == accessType }

// IsReset reports whether the event tells followers to read their state again.
func (e *Event) IsReset() bool { return e.reset != nil }

// Resets reports whether a reset event is for followers of the topic.
func (e *Event) Resets(followed topic.Topic) bool {
	return e.reset != nil && e.reset.concerns(followed)
}

// accessType is the type of access events.
const accessType = "rowcall.access"

// ParseEventID reads the id of an event as frames have it, or the cursor of a frame that names an event. The epoch is that
// of a cursor, else empty. The error is ErrBadCursor.
func ParseEventID(text string) (id int64, epoch string, err error) {
	if id, err := strconv.ParseInt(text, 10, 64); err == nil && id > 0 {
		return id, "", nil
	}
	if c, err := parseCursor(text); err == nil && c.inside {
		return c.id, c.epoch, nil
	}
	return 0, "", ErrBadCursor
}

// LookUp finds an event in the log. It reads the whole log: events have no index by id.
func LookUp(ctx context.Context, pool *dbconn.Pool, id int64) (Lookup, error) {
	var found Lookup
	var part int
	events, err := queryEvents(ctx, pool, `SELECT 0, id, xid, at, `+exactText+` FROM rowcall.log WHERE id = $1`, &part, id)
	if err != nil {
		return found, fmt.Errorf("look an event up: %w", err)
	}
	if len(events) == 0 {
		return found, found.readBounds(ctx, pool)
	}
	found.Event = events[0]
	if found.Access, err = readAccessAfter(ctx, pool, found.Event); err != nil {
		return found, err
	}
	f, err := readFloor(ctx, pool)
	found.ReplayReset = f.xid >= found.Event.xid
	return found, err
}

// readBounds reads where the log begins and ends.
func (l *Lookup) readBounds(ctx context.Context, q querier) error {
	const bounds = `
		SELECT l.id, (SELECT max(id) FROM rowcall.log), l.at FROM rowcall.log l WHERE l.id = (SELECT min(id) FROM rowcall.log) LIMIT 1`
	err := q.QueryRow(ctx, bounds).Scan(&l.First, &l.Last, &l.OldestAt)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read where the log begins: %w", err)
	}
	return nil
}

// readAccessAfter reads the access events that were filed after an event, for its topic, for those above, and for all topics.
func readAccessAfter(ctx context.Context, q querier, e *Event) ([]AccessEvent, error) {
	topics := []string{""}
	for t := range e.Topic.Lineage {
		topics = append(topics, string(t))
	}
	var part int
	events, err := queryEvents(ctx, q, `SELECT 0, id, xid, at, `+exactText+`
		FROM rowcall.log WHERE topic = ANY ($1) AND type = '`+accessType+`' AND id > $2 ORDER BY id`, &part, topics, e.ID)
	if err != nil {
		return nil, fmt.Errorf("read access events: %w", err)
	}
	var found []AccessEvent
	for _, filed := range events {
		asked := logRow{topic: string(filed.Topic), data: filed.Data}.access()
		found = append(found, AccessEvent{ID: filed.ID, At: filed.Time, Topic: asked.topic, User: asked.user, event: asked})
	}
	return found, nil
}
