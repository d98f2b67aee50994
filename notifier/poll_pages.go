package notifier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// A poll of many events is read in two steps, so that the server sorts no more than a chunk and the
// node holds a bounded part of it. A walk over the rows of the poll finds their addresses, in the order
// in which the server finds them; they are sorted here. Then the rows are read, a chunk at a time. Both
// happen in one transaction: its lock on the slots keeps retention from emptying them.
//
// A walk costs the server a look at every row of the poll, whatever comes of it. So one walk finds
// everything: the access events, which must be known before the first chunk is handed on, and as many
// addresses as the node may hold. Only a poll of more events needs another walk.
//
// A connection that breaks again and again may not last for the addresses of all events. So a poll
// after one that was cut short finds the events in windows of ids, one walk each. The first one is
// small, and they grow: some events come all the same.
const (
	mostAddresses     = 1 << 20     // of so many events the node works on the addresses; it holds up to twice as many
	firstWindowEvents = chunkEvents // about so many events are in the first window
	windowGrowth      = 4
)

// The rows of a span, among them $1 to $4 of spanWhere, once for the transactions that had not begun
// and once for those that were running. One condition for both would not be read from the index.
// Transactions that the span does not see are left out before the index is asked, as far as it can.
const (
	newInSpan = `FROM rowcall.log WHERE xid >= $1 AND xid < (SELECT pg_snapshot_xmax($3::text::pg_snapshot))
   AND pg_visible_in_snapshot(xid, (SELECT $3::text::pg_snapshot)) AND id > $4`
	runningInSpan = `FROM rowcall.log
 WHERE xid = ANY (ARRAY(SELECT x FROM unnest($2::xid8[]) AS x WHERE pg_visible_in_snapshot(x, $3::text::pg_snapshot))) AND id > $4`
)

// extentSQL counts the events of a span that are no access events, and finds the first and the last id.
const extentSQL = `
SELECT count(*), coalesce(min(id), 0), coalesce(max(id), 0)
  FROM (SELECT id ` + newInSpan + ` AND type <> 'rowcall.access'
        UNION ALL
        SELECT id ` + runningInSpan + ` AND type <> 'rowcall.access') AS events`

// walkSQL finds the rows of a span up to id $5, and all its access events. The topic and the data of a
// row are there for access events alone.
const (
	walkSQL = `
SELECT ` + walkedColumns + newInSpan + walkedWhere + `
UNION ALL
SELECT ` + walkedColumns + runningInSpan + walkedWhere

	walkedWhere = ` AND (id <= $5 OR type = 'rowcall.access')`

	walkedColumns = `id, slot, ctid, xid, coalesce(octet_length(data), 0) AS bytes, type = 'rowcall.access' AS access,
       CASE WHEN type = 'rowcall.access' THEN rowcall.utf8(topic) END AS topic,
       CASE WHEN type = 'rowcall.access' THEN rowcall.utf8(data) END AS data
  `
)

// rowsAtSQL reads the rows at some addresses of one slot.
const rowsAtSQL = `
SELECT 2, id, xid, at, ` + exactText + `
  FROM rowcall.log
 WHERE slot = $1 AND ctid = ANY ($2)
 ORDER BY id`

// rowAddress is where the row of an event is.
type rowAddress struct {
	id    int64
	slot  int16
	tid   pgtype.TID
	bytes int32 // of its data
}

// errMoved says that a row was not at its address, although the slots are locked.
var errMoved = errors.New("rows of the log are not where they were found")

// window is the part of a poll that is read next: the ids behind done, up to width of them.
type window struct {
	done, width, end int64 // end is the poll's last id, or a later one
}

// last is the last id of the window.
func (w window) last() int64 {
	if w.end-w.done < w.width {
		return w.end
	}
	return w.done + w.width
}

// readInPages hands on everything behind the last event that was handed on.
func (r *pollReader) readInPages(ctx context.Context) error {
	r.to.announceLargePoll(r.poll)
	ctx, progress, cancel := watchdog(ctx, r.patience)
	defer cancel()
	w, err := r.firstWindow(ctx, progress)
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	for {
		err := r.readWindow(ctx, &w, progress)
		switch {
		case isUnreadable(err) && !r.lossy:
			r.lossy, r.poll.lossy = true, true
			w.done = max(w.done, r.poll.lastID)
		case err != nil:
			return errors.Join(err, context.Cause(ctx))
		case w.done >= w.end:
			return nil
		}
	}
}

// firstWindow is all of the poll that was not handed on, or after a poll that was cut short a small
// part of it.
func (r *pollReader) firstWindow(ctx context.Context, progress func()) (window, error) {
	if !r.cautious {
		return window{done: r.poll.lastID, width: math.MaxInt64, end: math.MaxInt64}, nil
	}
	rest := logSpan{from: r.poll.at(r.poll.lastID), to: r.poll.seen}
	var count, first, last int64
	if err := r.conn.QueryRow(ctx, extentSQL, rest.args()...).Scan(&count, &first, &last); err != nil {
		return window{}, fmt.Errorf("measuring a poll: %w", err)
	}
	progress()
	if count == 0 {
		return window{}, nil
	}
	return window{done: first - 1, width: ((last-first)/count + 1) * firstWindowEvents, end: last}, nil
}

// readWindow hands on the events of one window and moves it. The last chunk is handed on when the
// transaction has ended, so that nothing is left to be done after the last chunk of a poll.
func (r *pollReader) readWindow(ctx context.Context, w *window, progress func()) error {
	var found walked
	var lastChunk []*Event
	err := pgx.BeginTxFunc(ctx, r.conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) (err error) {
		if found, err = r.walk(ctx, tx, *w, progress); err != nil {
			return err
		}
		if !r.begun {
			r.poll.access = found.access
		}
		if err = r.begin(ctx); err != nil {
			return err
		}
		lastChunk, err = r.deliverRows(ctx, tx, found.addresses, progress)
		return err
	})
	if err != nil {
		return err
	}
	if err := r.deliver(lastChunk, found.done >= w.end); err != nil {
		return err
	}
	w.done = found.done
	if len(found.addresses) <= r.mostAddresses/windowGrowth && w.width < math.MaxInt64/windowGrowth {
		w.width *= windowGrowth
	}
	return nil
}

// walked is what a walk has found.
type walked struct {
	access    []accessEvent // of the whole span
	addresses []rowAddress  // of the other events, in the order of their ids
	done      int64         // the last id that the addresses go up to: that of the window, unless they are too many
}

// walk finds the access events of the poll and the addresses of the window.
func (r *pollReader) walk(ctx context.Context, tx pgx.Tx, w window, progress func()) (walked, error) {
	span := logSpan{from: r.poll.at(w.done), to: r.poll.seen}
	rows, err := tx.Query(ctx, walkSQL, append(span.args(), w.last())...)
	if err != nil {
		return walked{}, fmt.Errorf("polling the log: %w", err)
	}
	defer rows.Close()
	found := walked{done: w.last()}
	for rows.Next() {
		progress()
		if err := r.scanWalked(rows, &found); err != nil {
			return walked{}, fmt.Errorf("reading an address in the log: %w", err)
		}
		if len(found.addresses) >= 2*r.mostAddresses {
			found.keepFirst(r.mostAddresses)
		}
	}
	if err := rows.Err(); err != nil {
		return walked{}, fmt.Errorf("reading the log: %w", err)
	}
	r.poll.writers = max(r.poll.writers, r.writers.count())
	found.keepFirst(r.mostAddresses)
	return found, nil
}

// scanWalked adds one row of a walk to what was found.
func (r *pollReader) scanWalked(rows pgx.Rows, found *walked) error {
	var address rowAddress
	var xid uint64
	var isAccess bool
	var topic, data []byte
	if err := rows.Scan(&address.id, &address.slot, &address.tid, &xid, &address.bytes, &isAccess, &topic, &data); err != nil {
		return err
	}
	if isAccess {
		found.access = append(found.access, logRow{topic: string(validText(topic)), data: validText(data)}.access())
		return nil
	}
	r.writers.add(xid)
	found.addresses = append(found.addresses, address)
	return nil
}

// keepFirst sorts the addresses, and keeps no more than the first of them.
func (w *walked) keepFirst(most int) {
	slices.SortFunc(w.addresses, func(a, b rowAddress) int { return cmp.Compare(a.id, b.id) })
	if len(w.addresses) > most {
		w.addresses = w.addresses[:most]
		w.done = w.addresses[most-1].id
	}
}

// deliverRows reads the rows at the addresses and hands them on in chunks. It returns the last chunk.
func (r *pollReader) deliverRows(ctx context.Context, tx pgx.Tx, addresses []rowAddress, progress func()) ([]*Event, error) {
	for {
		n := chunkLength(addresses)
		events, err := r.readRows(ctx, tx, addresses[:n])
		if err != nil {
			return nil, err
		}
		progress()
		if addresses = addresses[n:]; len(addresses) == 0 {
			return events, nil
		}
		if err := r.deliver(events, false); err != nil {
			return nil, err
		}
	}
}

// chunkLength is how many of the addresses make the next chunk. They are in one slot, and one event of
// any size makes a chunk.
func chunkLength(addresses []rowAddress) int {
	bytes := 0
	for i, a := range addresses {
		bytes += int(a.bytes)
		if i > 0 && (i == chunkEvents || bytes > chunkBytes || a.slot != addresses[0].slot) {
			return i
		}
	}
	return len(addresses)
}

// readRows reads the rows at addresses of one slot.
func (r *pollReader) readRows(ctx context.Context, tx pgx.Tx, addresses []rowAddress) ([]*Event, error) {
	if len(addresses) == 0 {
		return nil, nil
	}
	tids := make([]pgtype.TID, len(addresses))
	for i, a := range addresses {
		tids[i] = a.tid
	}
	rows, err := tx.Query(ctx, withText(rowsAtSQL, r.lossy), addresses[0].slot, tids)
	if err != nil {
		return nil, fmt.Errorf("reading the log: %w", err)
	}
	var part int
	events, err := collectEvents(rows, &part)
	if err != nil {
		return nil, fmt.Errorf("reading the log: %w", err)
	}
	same := func(e *Event, a rowAddress) bool { return e.ID == a.id }
	if !slices.EqualFunc(events, addresses, same) {
		return nil, errMoved
	}
	return events, nil
}
