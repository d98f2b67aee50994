package notifier

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/topic"
)

// span is a stretch of the log: what to sees and from has not passed.
type span struct {
	from position
	to   snapshot
}

// spanOf is the next stretch to read for a reader at p whose node is at prev: the rest of the batch
// it stopped in, or everything up to prev.
func spanOf(p position, prev snapshot) span {
	if p.inside {
		return span{from: p, to: p.cur}
	}
	return span{from: position{prev: p.prev, cur: prev, inside: true}, to: prev}
}

// page is one piece of a replay.
type page struct {
	events   []*Event
	complete bool // nothing of the span is left
}

// pageLimit bounds one page.
type pageLimit struct {
	events int
	bytes  int
}

// spanWhere is what lies in a span: $1 is from.prev's xmax, $2 its xip, $3 to, $4 from.id. Events
// of access are nobody's to read. Topics follow from $5 on.
const spanWhere = `(xid >= $1 OR xid = ANY ($2)) AND pg_visible_in_snapshot(xid, $3::text::pg_snapshot)
   AND id > $4 AND type <> 'rowcall.access'`

func spanArgs(s span) []any {
	return []any{s.from.prev.xmax, s.from.prev.running(), s.to.String(), s.from.id}
}

// topicsWhere adds the condition that an event is filed under one of the topics or below it. Topics
// are compared bytewise: "/" is followed by "0".
func topicsWhere(topics []topic.Topic, args []any) (string, []any) {
	terms := make([]string, 0, len(topics))
	for _, t := range topics {
		n := len(args)
		terms = append(terms, "topic = $"+strconv.Itoa(n+1)+
			" OR (topic >= $"+strconv.Itoa(n+2)+" AND topic < $"+strconv.Itoa(n+3)+")")
		args = append(args, string(t), string(t)+"/", string(t)+"0")
	}
	return "(" + strings.Join(terms, " OR ") + ")", args
}

// readPage reads the next events of a span that are filed under the topics. Bodies are counted
// without being read, so that a page of large rows stays near its bound; one event always fits.
func readPage(ctx context.Context, q querier, s span, topics []topic.Topic, limit pageLimit) (page, error) {
	where, args := topicsWhere(topics, spanArgs(s))
	sql := `WITH next AS (SELECT id, xid, at, topic, type, role, coalesce(data, 'null') AS data FROM rowcall.log
 WHERE ` + spanWhere + ` AND ` + where + ` ORDER BY id LIMIT ` + strconv.Itoa(limit.events) + `),
sized AS (SELECT *, sum(octet_length(data)) OVER (ORDER BY id) - octet_length(data) AS before, count(*) OVER () AS n FROM next)
SELECT n::int, id, xid, at, topic, type, role, data FROM sized WHERE before < ` + strconv.Itoa(limit.bytes) + ` ORDER BY id`
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return page{}, fmt.Errorf("replaying the log: %w", err)
	}
	var found int
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Event, error) {
		r, err := scanRow(rows, &found)
		return r.event(), err
	})
	if err != nil {
		return page{}, fmt.Errorf("replaying the log: %w", err)
	}
	return page{events: events, complete: len(events) == found && found < limit.events}, nil
}

// countAfter counts the events that a replay from p to prev would deliver, up to about limit.
func countAfter(ctx context.Context, q querier, p position, prev snapshot, topics []topic.Topic, limit int) (int, error) {
	rest := 0
	if p.inside {
		var err error
		if rest, err = countSpan(ctx, q, spanOf(p, prev), topics, limit); err != nil {
			return 0, err
		}
		p = after(p.cur)
	}
	n, err := countSpan(ctx, q, spanOf(p, prev), topics, limit)
	return rest + n, err
}

func countSpan(ctx context.Context, q querier, s span, topics []topic.Topic, limit int) (int, error) {
	where, args := topicsWhere(topics, spanArgs(s))
	sql := `SELECT count(*) FROM (SELECT FROM rowcall.log WHERE ` + spanWhere + ` AND ` + where +
		` LIMIT ` + strconv.Itoa(limit) + `) AS found`
	var n int
	if err := q.QueryRow(ctx, sql, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting a replay: %w", err)
	}
	return n, nil
}
