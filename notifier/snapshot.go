package notifier

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// snapshot is PostgreSQL's pg_snapshot: the transactions that a reader sees as ended. A transaction
// before xmin has ended, a transaction from xmax on has not, and a transaction between the two has
// ended unless xip lists it.
type snapshot struct {
	xmin, xmax uint64
	xip        []uint64 // ascending, xmin <= x < xmax; never changed
}

var errSnapshot = errors.New("not a snapshot")

// parseSnapshot reads PostgreSQL's text form, xmin:xmax:x,y,z.
func parseSnapshot(text string) (snapshot, error) {
	fields := strings.Split(text, ":")
	if len(fields) != 3 {
		return snapshot{}, fmt.Errorf("%q: %w", text, errSnapshot)
	}
	xmin, err1 := strconv.ParseUint(fields[0], 10, 63)
	xmax, err2 := strconv.ParseUint(fields[1], 10, 63)
	xip, err3 := parseXIDs(fields[2])
	s := snapshot{xmin: xmin, xmax: xmax, xip: xip}
	if errors.Join(err1, err2, err3) != nil || !s.valid() {
		return snapshot{}, fmt.Errorf("%q: %w", text, errSnapshot)
	}
	return s, nil
}

func parseXIDs(list string) ([]uint64, error) {
	if list == "" {
		return nil, nil
	}
	var xids []uint64
	for field := range strings.SplitSeq(list, ",") {
		x, err := strconv.ParseUint(field, 10, 63)
		if err != nil {
			return nil, err
		}
		xids = append(xids, x)
	}
	return xids, nil
}

// valid reports whether xmin is not 0, xmin <= x < xmax holds for every x of xip, and xip ascends.
func (s snapshot) valid() bool {
	if s.xmin == 0 || s.xmin > s.xmax {
		return false
	}
	floor := s.xmin
	for _, x := range s.xip {
		if x < floor || x >= s.xmax {
			return false
		}
		floor = x + 1
	}
	return true
}

// String is PostgreSQL's text form.
func (s snapshot) String() string {
	text := strconv.AppendUint(nil, s.xmin, 10)
	text = append(text, ':')
	text = strconv.AppendUint(text, s.xmax, 10)
	separator := byte(':')
	for _, x := range s.xip {
		text = append(text, separator)
		text = strconv.AppendUint(text, x, 10)
		separator = ','
	}
	if len(s.xip) == 0 {
		text = append(text, ':')
	}
	return string(text)
}

// sees reports whether the transaction had ended when the snapshot was taken.
func (s snapshot) sees(xid uint64) bool {
	if xid < s.xmin {
		return true
	}
	if xid >= s.xmax {
		return false
	}
	_, running := slices.BinarySearch(s.xip, xid)
	return !running
}

// seesAll reports whether all these transactions had ended when the snapshot was taken.
func (s snapshot) seesAll(xids []uint64) bool {
	for _, x := range xids {
		if !s.sees(x) {
			return false
		}
	}
	return true
}

// covers reports whether s sees everything that older sees.
func (s snapshot) covers(older snapshot) bool {
	for _, x := range s.xip {
		if older.sees(x) {
			return false
		}
	}
	if older.xmax <= s.xmax {
		return true
	}
	// From s.xmax on s sees nothing, so every transaction from there on must be in older.xip too.
	from, _ := slices.BinarySearch(older.xip, s.xmax)
	return uint64(len(older.xip)-from) == older.xmax-s.xmax
}

func (s snapshot) equal(other snapshot) bool {
	return s.xmin == other.xmin && s.xmax == other.xmax && slices.Equal(s.xip, other.xip)
}

// before returns the snapshot that sees what s sees of the transactions before xid, and no other.
func (s snapshot) before(xid uint64) snapshot {
	if xid >= s.xmax {
		return s
	}
	earlier, _ := slices.BinarySearch(s.xip, xid)
	return snapshot{xmin: min(s.xmin, xid), xmax: xid, xip: s.xip[:earlier:earlier]}
}

// running is xip, but never nil: pgx would send nil as NULL.
func (s snapshot) running() []uint64 {
	if s.xip == nil {
		return []uint64{}
	}
	return s.xip
}

// zero reports whether the snapshot was never taken.
func (s snapshot) zero() bool { return s.xmax == 0 }
