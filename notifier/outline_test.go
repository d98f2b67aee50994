package notifier

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// heapRow is an event's row on disk.
type heapRow struct {
	id    int64
	slot  int16
	block uint32
}

// randomHeap lays events out on disk. Their ids ascend with the blocks of each slot, but so many of
// a hundred lie in any block.
func randomHeap(random *rand.Rand, events, slots, perBlock, astray int) []heapRow {
	rows := make([]heapRow, events)
	for i := range rows {
		block := i / perBlock
		if random.IntN(100) < astray {
			block = random.IntN(events/perBlock + 1)
		}
		rows[i] = heapRow{id: int64(10 * (i + 1)), slot: int16(i * slots / events), block: uint32(block)}
	}
	return rows
}

func outlineOf(rows []heapRow) *outline {
	sketch := newOutlineSketch()
	for _, r := range rows {
		sketch.add(r.id, r.slot, r.block)
	}
	return sketch.finish(replay{}, [slotCount]int64{})
}

// read returns the ids behind after and up to through in some ranges of blocks, in order, and how many
// rows are in the ranges.
func read(rows []heapRow, in blockRanges, after, through int64) (ids []int64, looked int) {
	for i, slot := range in.slots {
		for _, r := range rows {
			if r.slot != slot || r.block < in.first[i].BlockNumber || r.block >= in.behind[i].BlockNumber {
				continue
			}
			looked++
			if r.id > after && r.id <= through {
				ids = append(ids, r.id)
			}
		}
	}
	slices.Sort(ids)
	return ids, looked
}

// TestPagesByOutlineHoldEveryEventOnce reads random layouts page by page.
func TestPagesByOutlineHoldEveryEventOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		events, perPage := 1+random.IntN(2000), 1+random.IntN(100)
		rows := randomHeap(random, events, 1+random.IntN(slotCount), 1+random.IntN(50), []int{0, 1, 20, 100}[random.IntN(4)])
		o := outlineOf(rows)
		want := make([]int64, events)
		for i, r := range rows {
			want[i] = r.id
		}
		var got []int64
		for after, through := int64(0), int64(0); through != math.MaxInt64; {
			whole, partly := o.split(after)
			behind, _ := read(rows, o.ranges(partly), after, math.MaxInt64)
			if n := whole + len(behind); n != events-len(got) {
				t.Fatalf("seed %d: behind id %d %d events are counted, want %d", seed, after, n, events-len(got))
			}
			var pieces []piece
			pieces, through = o.next(after, perPage)
			ids, _ := read(rows, o.ranges(pieces), after, through)
			after = through
			if len(ids) > perPage { // the page is cut
				ids = ids[:perPage]
				after, through = ids[perPage-1], 0
			}
			got = append(got, ids...)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: got %d events, want %d in order", seed, len(got), events)
		}
	}
}

// TestAPageByOutlineReadsFewBlocks reads pages of a transaction that has written alone, from a small and a huge one.
// The number of rows that a page looks at must not grow with the transaction.
func TestAPageByOutlineReadsFewBlocks(t *testing.T) {
	t.Parallel()
	const perPage, perBlock = 500, 50
	for events, most := range map[int]int{10_000: 2 * perPage, 100_000: 2 * perPage, 1_000_000: 3 * perPage} {
		t.Run(fmt.Sprint(events), func(t *testing.T) {
			t.Parallel()
			rows := randomHeap(rand.New(rand.NewPCG(1, 1)), events, 2, perBlock, 0)
			o := outlineOf(rows)
			if n := len(o.pieces); n > mostPieces {
				t.Errorf("the outline has %d pieces, want at most %d", n, mostPieces)
			}
			for _, after := range []int64{0, rows[events/3].id, rows[events-perPage].id} {
				pieces, through := o.next(after, perPage)
				ids, looked := read(rows, o.ranges(pieces), after, through)
				if looked > most || len(ids) < min(perPage, events-int(after/10)) {
					t.Errorf("behind id %d a page looks at %d rows and finds %d events, want at most %d and at least %d",
						after, looked, len(ids), most, perPage)
				}
				if ranges := len(o.ranges(pieces).slots); ranges > 2 {
					t.Errorf("behind id %d a page reads %d ranges of blocks, want neighbors together", after, ranges)
				}
			}
		})
	}
}
