package notifier

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5/pgtype"

	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
)

// replay is what a subscription reads from the log: the events of a span that are filed under its
// topics or below them.
type replay struct {
	epoch  string
	span   logSpan
	topics []topic.Topic
}

// isIn reports whether both replays have the same span and topics, wherever in the span they are.
func (r replay) isIn(other replay) bool {
	return r.epoch == other.epoch && r.span.from.prev.equal(other.span.from.prev) &&
		r.span.to.equal(other.span.to) && slices.Equal(r.topics, other.topics)
}

// whole is the replay from the beginning of its span.
func (r replay) whole() replay {
	r.span.from.id = 0
	return r
}

// where is the condition for the events of the replay that lie behind its position, and its
// arguments.
func (r replay) where() (string, []any) {
	topics, args := topicsWhere(r.topics, r.span.args())
	return spanWhere + ` AND ` + topics, args
}

// logReader reads replays from the log. The cost of a page must grow with its own rows, not with the
// rest of a huge transaction. No index has the order of ids. So for a replay of more than one page,
// logReader scans the rows once and keeps an outline of their blocks.
// Readers of one replay share that outline, and the pages that were read by its help last.
type logReader struct {
	pool     *dbconn.Pool
	outlines outlineShelf
	pages    pageShelf
}

// The statements below that read the log for one subscription are executed behind one of these, in
// the same transaction. It waits while retention empties a slot. Without it there would be no moment
// at which nobody reads.
const (
	shareReplayLock = `SELECT pg_advisory_xact_lock_shared(` + replayLock + `)`
	// readByAddress is for statements that name the blocks to read. The server does not know how
	// few they are when it makes the plan.
	readByAddress = shareReplayLock + `, set_config('enable_seqscan', 'off', true),
 set_config('enable_indexscan', 'off', true), set_config('enable_bitmapscan', 'off', true)`
)

// readPage reads the next page of a replay, and marks its events. It returns the outline that it has
// used, if any: the caller passes it on for the next page. The caller must check after the page that
// the floor spares the span, and checkUnmoved. progress is called while a long replay is looked at.
func (r *logReader) readPage(ctx context.Context, what replay, known *outline, limit sizeLimit, progress func()) (logPage, *outline, error) {
	o := known
	if !o.serves(what) {
		o = r.outlines.find(what)
	}
	if o == nil {
		page, few, err := r.search(ctx, what, limit)
		if err == nil && !few {
			o, err = r.outline(ctx, what, progress)
		}
		if o == nil {
			what.span.markPage(what.epoch, page)
			return page, nil, err
		}
	}
	page, err := r.pages.get(ctx, pageKey{o, what.span.from.id, limit}, func() (logPage, error) {
		page, err := r.readPieces(ctx, o, what, limit)
		what.span.markPage(what.epoch, page)
		return page, err
	})
	return page, o, err
}

// sizedSQL reads the events that next has found. It adds up the sizes of the events before it reads
// their data, so that a page of large rows stays near its bound. One event always fits.
func sizedSQL(next string, limit sizeLimit) string {
	return `WITH next AS MATERIALIZED (` + next + `),
sized AS (SELECT *, sum(octet_length(data)) OVER (ORDER BY id) - octet_length(data) AS before, count(*) OVER () AS n FROM next)
SELECT n::int, id, xid, at, ` + exactText + ` FROM sized WHERE before < ` + strconv.Itoa(limit.bytes) + ` ORDER BY id`
}

const eventColumns = `SELECT id, xid, at, topic, type, role, coalesce(data, 'null') AS data FROM rowcall.log`

// search reads the rest of a replay if it is no more than a page. It returns false if it is more:
// the first rows that the server has found need not be the next ones. The server plans to find the
// whole rest, and ends when it has found more than a page. If it knew of that end, it might begin to
// read anywhere, in the hope to come upon so many rows soon.
func (r *logReader) search(ctx context.Context, what replay, limit sizeLimit) (page logPage, few bool, err error) {
	where, args := what.where()
	rest := `WITH rest AS MATERIALIZED (` + eventColumns + ` WHERE ` + where + `) SELECT * FROM rest LIMIT `
	sql := sizedSQL(rest+strconv.Itoa(limit.events+1), limit)
	var found int
	events, err := queryEvents(ctx, r.pool.Precede(shareReplayLock), sql, &found, args...)
	if err != nil {
		return logPage{}, false, fmt.Errorf("replaying the log: %w", err)
	}
	if found > limit.events {
		return logPage{}, false, nil
	}
	return logPage{events: events, complete: len(events) == found}, true, nil
}

// outline returns the outline of a replay's span.
func (r *logReader) outline(ctx context.Context, what replay, progress func()) (*outline, error) {
	whole := what.whole()
	return r.outlines.get(ctx, whole, func() (*outline, error) { return r.walk(ctx, whole, progress) })
}

// walk looks at all rows of a replay. The numbers of the files are read before it: then an outline of
// rows that have moved meanwhile is known to be of no use.
func (r *logReader) walk(ctx context.Context, what replay, progress func()) (*outline, error) {
	files, err := r.readFiles(ctx)
	if err != nil {
		return nil, err
	}
	where, args := what.where()
	rows, err := r.pool.Precede(shareReplayLock).Query(ctx, `SELECT id, slot, ctid FROM rowcall.log WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("looking for a replay in the log: %w", err)
	}
	defer rows.Close()
	sketch := newOutlineSketch()
	for rows.Next() {
		progress()
		var id int64
		var slot int16
		var tid pgtype.TID
		if err := rows.Scan(&id, &slot, &tid); err != nil {
			return nil, fmt.Errorf("reading an address in the log: %w", err)
		}
		sketch.add(id, slot, tid.BlockNumber)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("looking for a replay in the log: %w", err)
	}
	return sketch.finish(what, files), nil
}

// filesSQL reads the numbers of the slots' files, in the order of the slots.
const filesSQL = `
SELECT relfilenode::bigint FROM pg_class
 WHERE oid IN ('rowcall.log_0'::regclass, 'rowcall.log_1'::regclass, 'rowcall.log_2'::regclass, 'rowcall.log_3'::regclass)
 ORDER BY relname`

func (r *logReader) readFiles(ctx context.Context) (files [slotCount]int64, err error) {
	rows, err := r.pool.Query(ctx, filesSQL)
	if err != nil {
		return files, fmt.Errorf("asking for the files of the log: %w", err)
	}
	defer rows.Close()
	for i := 0; rows.Next(); i++ {
		if err := rows.Scan(&files[i]); err != nil {
			return files, fmt.Errorf("asking for the files of the log: %w", err)
		}
	}
	return files, rows.Err()
}

// checkUnmoved returns errMoved if rows of the outline may be elsewhere by now. It must be called
// after a page was read.
func (r *logReader) checkUnmoved(ctx context.Context, o *outline) error {
	if o == nil {
		return nil
	}
	files, err := r.readFiles(ctx)
	if err == nil && o.hasMoved(files) {
		r.outlines.forget(o)
		return errMoved
	}
	return err
}

// readPieces reads the next page of a replay by its outline.
func (r *logReader) readPieces(ctx context.Context, o *outline, what replay, limit sizeLimit) (logPage, error) {
	pieces, through := o.next(what.span.from.id, limit.events)
	where, args := what.where()
	sql, args := inRanges(o.ranges(pieces), eventColumns, where, through, args)
	few := ` ORDER BY id LIMIT ` + strconv.Itoa(limit.events)
	var found int
	events, err := queryEvents(ctx, r.pool.Precede(readByAddress), sizedSQL(sql+few, limit), &found, args...)
	if err != nil {
		return logPage{}, fmt.Errorf("replaying the log: %w", err)
	}
	page := logPage{events: events}
	if len(events) == found && found < limit.events {
		page.complete = through == math.MaxInt64
		page.through = through
	}
	return page, nil
}

// inRanges is a statement that reads the rows in some ranges of blocks up to an id, with its
// arguments. OFFSET 0 keeps the server from reading the log in another way than range by range.
func inRanges(in blockRanges, columns, where string, through int64, args []any) (string, []any) {
	n := len(args)
	place := func(i int) string { return `$` + strconv.Itoa(n+i) }
	return `SELECT event.* FROM unnest(` + place(1) + `::smallint[], ` + place(2) + `::tid[], ` + place(3) + `::tid[]) AS part (slot, first, behind)
 CROSS JOIN LATERAL (` + columns + `
  WHERE log.slot = part.slot AND log.ctid >= part.first AND log.ctid < part.behind AND id <= ` + place(4) + ` AND ` + where + ` OFFSET 0) AS event`,
		append(args, in.slots, in.first, in.behind, through)
}

// countAfter counts the events that a replay from p to prev would deliver. It stops counting near
// limit. progress is called while many events are looked at.
func (r *logReader) countAfter(ctx context.Context, p cursor, prev snapshot, topics []topic.Topic, limit int, progress func()) (int, error) {
	rest := 0
	next := p.position
	if p.inside {
		var err error
		if rest, err = r.countRest(ctx, replay{p.epoch, nextSpan(next, prev), topics}, progress); err != nil {
			return 0, err
		}
		next = positionAfter(p.cur)
	}
	where, args := replay{p.epoch, nextSpan(next, prev), topics}.where()
	sql := `SELECT count(*) FROM (SELECT FROM rowcall.log WHERE ` + where + ` LIMIT ` + strconv.Itoa(limit) + `) AS found`
	var n int
	if err := r.pool.Precede(shareReplayLock).QueryRow(ctx, sql, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting a replay: %w", err)
	}
	return rest + n, nil
}

// countedAtOnce is how many events of a span are looked at for one reader to count those that follow
// its position.
const countedAtOnce = 20_000

// countRest counts the events behind a position inside a span. All events before it have to be looked
// at too: if they are many, an outline of the span spares the next reader that.
func (r *logReader) countRest(ctx context.Context, what replay, progress func()) (int, error) {
	o := r.outlines.find(what)
	if o == nil {
		where, args := what.whole().where()
		after := `$` + strconv.Itoa(len(args)+1)
		var all, n int
		sql := `SELECT count(*), count(*) FILTER (WHERE id > ` + after + `) FROM (SELECT id FROM rowcall.log WHERE ` + where +
			` LIMIT ` + strconv.Itoa(countedAtOnce+1) + `) AS found`
		err := r.pool.Precede(shareReplayLock).QueryRow(ctx, sql, append(args, what.span.from.id)...).Scan(&all, &n)
		if err != nil {
			return 0, fmt.Errorf("counting a replay: %w", err)
		}
		if all <= countedAtOnce {
			return n, nil
		}
		if o, err = r.outline(ctx, what, progress); err != nil {
			return 0, err
		}
	}
	return r.countInPieces(ctx, o, what)
}

func (r *logReader) countInPieces(ctx context.Context, o *outline, what replay) (int, error) {
	whole, partly := o.split(what.span.from.id)
	if len(partly) == 0 {
		return whole, nil
	}
	where, args := what.where()
	sql, args := inRanges(o.ranges(partly), `SELECT id FROM rowcall.log`, where, math.MaxInt64, args)
	var n int
	err := r.pool.Precede(readByAddress).QueryRow(ctx, `SELECT count(*) FROM (`+sql+`) AS found`, args...).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting a replay: %w", err)
	}
	return whole + n, nil
}
