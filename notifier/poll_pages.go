package notifier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// A poll of many events is read in windows of ids, so that the server sorts no more than a chunk and
// the node holds a bounded part of it. For each window the places of its rows are read, in the order
// in which the server finds them, and sorted here. Then the rows are read, a chunk at a time. Both
// happen in one transaction: its lock on the slots keeps retention from emptying them.
//
// Each window costs the server a walk over the rows of the whole poll, so that windows grow. The
// first one is small: a connection that breaks again and again brings some events all the same.
const (
	firstWindow  = chunkEvents // about so many events are in the first window
	windowGrowth = 4
	mostPlaces   = 1 << 20 // of so many events the node works on the places; it holds up to twice as many
)

// The rows of a span, among them $1 to $4 of spanWhere, once for the transactions that had not begun
// and once for those that were running. One condition for both would not be read from the index.
const (
	newInSpan     = `FROM rowcall.log WHERE xid >= $1 AND pg_visible_in_snapshot(xid, (SELECT $3::text::pg_snapshot)) AND id > $4`
	runningInSpan = `FROM rowcall.log WHERE xid = ANY ($2) AND pg_visible_in_snapshot(xid, (SELECT $3::text::pg_snapshot)) AND id > $4`
)

// accessSQL reads the access events of a span.
const accessSQL = `
SELECT rowcall.utf8(topic) AS topic, rowcall.utf8(data) AS data ` + newInSpan + ` AND type = 'rowcall.access'
UNION ALL
SELECT rowcall.utf8(topic), rowcall.utf8(data) ` + runningInSpan + ` AND type = 'rowcall.access'`

// extentSQL counts the other events of a span, and finds the first and the last id.
const extentSQL = `
SELECT count(*), coalesce(min(id), 0), coalesce(max(id), 0)
  FROM (SELECT id ` + newInSpan + ` AND type <> 'rowcall.access'
        UNION ALL
        SELECT id ` + runningInSpan + ` AND type <> 'rowcall.access') AS events`

// placesSQL finds the rows of a span up to id $5.
const placesSQL = `
SELECT id, slot, ctid, xid, coalesce(octet_length(data), 0) AS bytes ` + newInSpan + ` AND id <= $5 AND type <> 'rowcall.access'
UNION ALL
SELECT id, slot, ctid, xid, coalesce(octet_length(data), 0) ` + runningInSpan + ` AND id <= $5 AND type <> 'rowcall.access'`

// placedSQL reads the rows at some places of one slot.
const placedSQL = `
SELECT 2, id, xid, at, ` + exactText + `
  FROM rowcall.log
 WHERE slot = $1 AND ctid = ANY ($2)
 ORDER BY id`

// eventPlace is where the row of an event is.
type eventPlace struct {
	id    int64
	slot  int16
	tid   pgtype.TID
	bytes int32 // of its data
}

// errMoved says that a row was not at its place, although the slots are locked.
var errMoved = errors.New("rows of the log are not where they were found")

// window is the part of a poll that is read next: the ids behind done, up to width of them.
type window struct {
	done, width, end int64 // end is the poll's last id
	most             int   // places to work on
}

// last is the last id of the window.
func (w window) last() int64 { return min(w.done+w.width, w.end) }

// advance moves the window behind an id. The next one is wider, unless the node would have to work on
// too many places.
func (w *window) advance(done int64, events int) {
	w.done = done
	if events <= w.most/windowGrowth {
		w.width *= windowGrowth
	}
}

// readInPages hands on everything behind the last event that was handed on.
func (r *pollReader) readInPages(ctx context.Context) error {
	ctx, progress, cancel := watchdog(ctx, r.patience)
	defer cancel()
	w, err := r.measure(ctx, progress)
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	for {
		err := r.readWindow(ctx, &w, progress)
		switch {
		case isUnreadable(err) && !r.lossy:
			r.lossy = true
			w.done = max(w.done, r.poll.lastID)
		case err != nil:
			return errors.Join(err, context.Cause(ctx))
		case w.done >= w.end:
			return nil
		}
	}
}

// measure reads the access events, which must be known before the first event is handed on, and
// returns the first window.
func (r *pollReader) measure(ctx context.Context, progress func()) (window, error) {
	rest := logSpan{from: r.poll.at(r.poll.lastID), to: r.poll.seen}
	if !r.begun {
		access, err := readAccess(ctx, r.conn, rest)
		if err != nil {
			return window{}, err
		}
		r.poll.access = access
	}
	progress()
	var count, first, last int64
	if err := r.conn.QueryRow(ctx, extentSQL, rest.args()...).Scan(&count, &first, &last); err != nil {
		return window{}, fmt.Errorf("measuring a poll: %w", err)
	}
	progress()
	if count == 0 {
		return window{}, nil
	}
	width := ((last-first)/count + 1) * firstWindow
	return window{done: first - 1, width: width, end: last, most: r.mostPlaces}, nil
}

func readAccess(ctx context.Context, q querier, s logSpan) ([]accessEvent, error) {
	rows, err := q.Query(ctx, accessSQL, s.args()...)
	if err != nil {
		return nil, fmt.Errorf("reading access events: %w", err)
	}
	access, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (accessEvent, error) {
		var topic, data []byte
		err := row.Scan(&topic, &data)
		return logRow{topic: string(validText(topic)), data: validText(data)}.access(), err
	})
	if err != nil {
		return nil, fmt.Errorf("reading access events: %w", err)
	}
	return access, nil
}

// readWindow hands on the events of one window and moves it. The last chunk is handed on when the
// transaction has ended, so that nothing is left to be done after the last chunk of a poll.
func (r *pollReader) readWindow(ctx context.Context, w *window, progress func()) error {
	var places []eventPlace
	var done int64
	var lastChunk []*Event
	err := pgx.BeginTxFunc(ctx, r.conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) (err error) {
		if places, done, err = r.findPlaces(ctx, tx, *w, progress); err != nil {
			return err
		}
		if err = r.begin(ctx); err != nil {
			return err
		}
		lastChunk, err = r.deliverPlaces(ctx, tx, places, progress)
		return err
	})
	if err != nil {
		return err
	}
	if err := r.deliver(lastChunk, done >= w.end); err != nil {
		return err
	}
	w.advance(done, len(places))
	return nil
}

// findPlaces returns the places of a window in the order of their ids, and the last id that they go
// up to: if they are too many, that is not the window's.
func (r *pollReader) findPlaces(ctx context.Context, tx pgx.Tx, w window, progress func()) (places []eventPlace, done int64, err error) {
	span := logSpan{from: r.poll.at(w.done), to: r.poll.seen}
	rows, err := tx.Query(ctx, placesSQL, append(span.args(), w.last())...)
	if err != nil {
		return nil, 0, fmt.Errorf("polling the log: %w", err)
	}
	defer rows.Close()
	cut := false
	for rows.Next() {
		progress()
		var place eventPlace
		var xid uint64
		if err := rows.Scan(&place.id, &place.slot, &place.tid, &xid, &place.bytes); err != nil {
			return nil, 0, fmt.Errorf("reading a place in the log: %w", err)
		}
		r.writers.add(xid)
		if places = append(places, place); len(places) >= 2*w.most {
			places, cut = firstPlaces(places, w.most), true
		}
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("reading the log: %w", err)
	}
	r.poll.writers = max(r.poll.writers, r.writers.count())
	cut = cut || len(places) > w.most
	if places = firstPlaces(places, w.most); cut {
		return places, places[len(places)-1].id, nil
	}
	return places, w.last(), nil
}

// firstPlaces sorts places and returns the first of them.
func firstPlaces(places []eventPlace, most int) []eventPlace {
	slices.SortFunc(places, func(a, b eventPlace) int { return cmp.Compare(a.id, b.id) })
	return places[:min(len(places), most)]
}

// deliverPlaces reads the rows at the places and hands them on in chunks. It returns the last chunk.
func (r *pollReader) deliverPlaces(ctx context.Context, tx pgx.Tx, places []eventPlace, progress func()) ([]*Event, error) {
	for {
		n := chunkLength(places)
		events, err := r.readPlaced(ctx, tx, places[:n])
		if err != nil {
			return nil, err
		}
		progress()
		if places = places[n:]; len(places) == 0 {
			return events, nil
		}
		if err := r.deliver(events, false); err != nil {
			return nil, err
		}
	}
}

// chunkLength is how many of the places make the next chunk. They are in one slot, and one event of
// any size makes a chunk.
func chunkLength(places []eventPlace) int {
	bytes := 0
	for i, p := range places {
		bytes += int(p.bytes)
		if i > 0 && (i == chunkEvents || bytes > chunkBytes || p.slot != places[0].slot) {
			return i
		}
	}
	return len(places)
}

// readPlaced reads the rows at places of one slot.
func (r *pollReader) readPlaced(ctx context.Context, tx pgx.Tx, places []eventPlace) ([]*Event, error) {
	if len(places) == 0 {
		return nil, nil
	}
	tids := make([]pgtype.TID, len(places))
	for i, p := range places {
		tids[i] = p.tid
	}
	rows, err := tx.Query(ctx, withText(placedSQL, r.lossy), places[0].slot, tids)
	if err != nil {
		return nil, fmt.Errorf("reading the log: %w", err)
	}
	var part int
	events, err := collectEvents(rows, &part)
	if err != nil {
		return nil, fmt.Errorf("reading the log: %w", err)
	}
	same := func(e *Event, p eventPlace) bool { return e.ID == p.id }
	if !slices.EqualFunc(events, places, same) {
		return nil, errMoved
	}
	return events, nil
}
