package notifier

import (
	"cmp"
	"math"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"
)

// outline says in which blocks of the slots the events of a replay are, so that a page of a long
// replay reads its own blocks and not all rows of a huge transaction. It covers the whole span, from
// its first id on: it is the same for all readers of the span, wherever in it they are.
//
// Blocks are counted in pieces. Of each piece the first and the last id are known. Ids ascend with
// the blocks where one transaction writes alone; in general they do not, and pieces overlap. A page
// reads all pieces that may hold an event up to some id, so it is exact in any case.
//
// Rows of the log are never updated. They stay where they are until retention empties their slot,
// which the floor tells, or until somebody rewrites the slot, for example by VACUUM FULL: then the
// slot has another file.
type outline struct {
	what   replay
	files  [slotCount]int64 // the numbers of the slots' files, read before the rows were looked for
	width  uint32           // blocks of a piece
	pieces []piece          // in the order of their first ids
	events int
}

// piece is a stretch of blocks in one slot that holds events of the replay.
type piece struct {
	slot        int16
	number      uint32 // of its first block, divided by the width
	events      int
	first, last int64 // ids
}

// serves reports whether the outline, which may be nil, is that of the replay.
func (o *outline) serves(what replay) bool { return o != nil && o.what.isIn(what) }

// next returns the pieces that a page behind the id after has to read, and the last id for which they
// hold all events; math.MaxInt64 if no more events follow. They hold at least so many events, if
// so many follow.
func (o *outline) next(after int64, events int) (pieces []piece, through int64) {
	whole := 0
	for _, p := range o.pieces {
		switch {
		case p.last <= after:
			continue
		case whole >= events:
			return pieces, p.first - 1
		case p.first > after:
			whole += p.events
		}
		pieces = append(pieces, p)
	}
	return pieces, math.MaxInt64
}

// split returns how many events the pieces have that lie behind the id as a whole, and the pieces
// that lie behind it in part.
func (o *outline) split(after int64) (whole int, partly []piece) {
	for _, p := range o.pieces {
		switch {
		case p.first > after:
			whole += p.events
		case p.last > after:
			partly = append(partly, p)
		}
	}
	return whole, partly
}

// blockRanges are ranges of blocks, as arguments of a statement: a slot, the address before the
// first row, and the address before the first row behind the range.
type blockRanges struct {
	slots         []int16
	first, behind []pgtype.TID
}

// ranges returns the blocks of pieces. Pieces that are neighbors make one range.
func (o *outline) ranges(pieces []piece) blockRanges {
	slices.SortFunc(pieces, func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.slot, b.slot), cmp.Compare(a.number, b.number))
	})
	at := func(number uint32) pgtype.TID { return pgtype.TID{BlockNumber: number * o.width, Valid: true} }
	r := blockRanges{slots: []int16{}, first: []pgtype.TID{}, behind: []pgtype.TID{}}
	for i, p := range pieces {
		if i > 0 && pieces[i-1].slot == p.slot && pieces[i-1].number+1 == p.number {
			r.behind[len(r.behind)-1] = at(p.number + 1)
			continue
		}
		r.slots = append(r.slots, p.slot)
		r.first = append(r.first, at(p.number))
		r.behind = append(r.behind, at(p.number+1))
	}
	return r
}

// hasMoved reports whether a slot that holds events has another file than when they were looked for.
func (o *outline) hasMoved(files [slotCount]int64) bool {
	return slices.ContainsFunc(o.pieces, func(p piece) bool { return files[p.slot] != o.files[p.slot] })
}

// mostPieces bounds an outline. Of a transaction that fills more blocks, pieces are wider: their
// width doubles.
const mostPieces = 4096

// outlineSketch is an outline that is being made.
type outlineSketch struct {
	width  uint32
	pieces map[pieceKey]piece
	events int
}

type pieceKey struct {
	slot   int16
	number uint32
}

func newOutlineSketch() *outlineSketch {
	return &outlineSketch{width: 1, pieces: make(map[pieceKey]piece)}
}

// add notes that the event with this id is in this block.
func (k *outlineSketch) add(id int64, slot int16, block uint32) {
	k.events++
	k.merge(piece{slot: slot, number: block / k.width, events: 1, first: id, last: id})
	if len(k.pieces) > mostPieces {
		k.widen()
	}
}

func (k *outlineSketch) merge(p piece) {
	key := pieceKey{p.slot, p.number}
	if have, ok := k.pieces[key]; ok {
		p.events += have.events
		p.first, p.last = min(p.first, have.first), max(p.last, have.last)
	}
	k.pieces[key] = p
}

// widen doubles the width of the pieces.
func (k *outlineSketch) widen() {
	narrow := k.pieces
	k.width, k.pieces = 2*k.width, make(map[pieceKey]piece, mostPieces)
	for _, p := range narrow {
		p.number /= 2
		k.merge(p)
	}
}

// finish returns the outline of a replay.
func (k *outlineSketch) finish(what replay, files [slotCount]int64) *outline {
	o := &outline{what: what, files: files, width: k.width, events: k.events, pieces: make([]piece, 0, len(k.pieces))}
	for _, p := range k.pieces {
		o.pieces = append(o.pieces, p)
	}
	slices.SortFunc(o.pieces, func(a, b piece) int { return cmp.Compare(a.first, b.first) })
	return o
}
