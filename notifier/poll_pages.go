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
// the node holds a bounded part of it. For each window the addresses of its rows are read, in the order
// in which the server finds them, and sorted here. Then the rows are read, a chunk at a time. Both
// happen in one transaction: its lock on the slots keeps retention from emptying them.
//
// Each window costs the server a walk over the rows of the whole poll, so that windows grow. The
// first one is small: a connection that breaks again and again brings some events all the same.
const (
	firstWindow   = chunkEvents // about so many events are in the first window
	windowGrowth  = 4
	mostAddresses = 1 << 20 // of so many events the node works on the addresses; it holds up to twice as many
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

// addressesSQL finds the rows of a span up to id $5.
const addressesSQL = `
SELECT id, slot, ctid, xid, coalesce(octet_length(data), 0) AS bytes ` + newInSpan + ` AND id <= $5 AND type <> 'rowcall.access'
UNION ALL
SELECT id, slot, ctid, xid, coalesce(octet_length(data), 0) ` + runningInSpan + ` AND id <= $5 AND type <> 'rowcall.access'`

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
	done, width, end int64 // end is the poll's last id
	most             int   // addresses to work on
}

// last is the last id of the window.
func (w window) last() int64 { return min(w.done+w.width, w.end) }

// advance moves the window behind an id. The next one is wider, unless the node would have to work on
// too many addresses.
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
			r.lossy, r.poll.lossy = true, true
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
	return window{done: first - 1, width: width, end: last, most: r.mostAddresses}, nil
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
	var addresses []rowAddress
	var done int64
	var lastChunk []*Event
	err := pgx.BeginTxFunc(ctx, r.conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) (err error) {
		if addresses, done, err = r.findAddresses(ctx, tx, *w, progress); err != nil {
			return err
		}
		if err = r.begin(ctx); err != nil {
			return err
		}
		lastChunk, err = r.deliverRows(ctx, tx, addresses, progress)
		return err
	})
	if err != nil {
		return err
	}
	if err := r.deliver(lastChunk, done >= w.end); err != nil {
		return err
	}
	w.advance(done, len(addresses))
	return nil
}

// findAddresses returns the addresses of a window in the order of their ids, and the last id that they go
// up to: if they are too many, that is not the window's.
func (r *pollReader) findAddresses(ctx context.Context, tx pgx.Tx, w window, progress func()) (addresses []rowAddress, done int64, err error) {
	span := logSpan{from: r.poll.at(w.done), to: r.poll.seen}
	rows, err := tx.Query(ctx, addressesSQL, append(span.args(), w.last())...)
	if err != nil {
		return nil, 0, fmt.Errorf("polling the log: %w", err)
	}
	defer rows.Close()
	cut := false
	for rows.Next() {
		progress()
		var address rowAddress
		var xid uint64
		if err := rows.Scan(&address.id, &address.slot, &address.tid, &xid, &address.bytes); err != nil {
			return nil, 0, fmt.Errorf("reading an address in the log: %w", err)
		}
		r.writers.add(xid)
		if addresses = append(addresses, address); len(addresses) >= 2*w.most {
			addresses, cut = firstAddresses(addresses, w.most), true
		}
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("reading the log: %w", err)
	}
	r.poll.writers = max(r.poll.writers, r.writers.count())
	cut = cut || len(addresses) > w.most
	if addresses = firstAddresses(addresses, w.most); cut {
		return addresses, addresses[len(addresses)-1].id, nil
	}
	return addresses, w.last(), nil
}

// firstAddresses sorts addresses and returns the first of them.
func firstAddresses(addresses []rowAddress, most int) []rowAddress {
	slices.SortFunc(addresses, func(a, b rowAddress) int { return cmp.Compare(a.id, b.id) })
	return addresses[:min(len(addresses), most)]
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
