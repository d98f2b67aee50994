package filter

import (
	"errors"
	"slices"
)

// truth is an answer of three-valued logic.
type truth int

const (
	no truth = iota - 1
	unknown
	yes
)

func truthOf(holds bool) truth {
	if holds {
		return yes
	}
	return no
}

// ErrOtherColumns says that a row lacks a column of the filter, or has a value of another type there: the columns of the
// table have changed since the filter was bound.
var ErrOtherColumns = errors.New("the row has other columns than the filter")

// Passes reports whether a row fulfils the filter. The error is ErrOtherColumns.
func (f *Filter) Passes(r Row) (bool, error) {
	passes, err := f.root.answer(r)
	return passes == yes, err
}

// answer answers the condition for a row.
func (b *bound) answer(r Row) (truth, error) {
	switch b.logic {
	case allOf:
		return b.combine(r, yes, no)
	case anyOf:
		return b.combine(r, no, yes)
	case noneOf:
		answer, err := b.combine(r, no, yes)
		return -answer, err
	}
	return b.testColumn(r)
}

// combine answers with decisive if a part does, else with unknown if a part does, else with otherwise.
func (b *bound) combine(r Row, otherwise, decisive truth) (truth, error) {
	answer := otherwise
	for i := range b.parts {
		one, err := b.parts[i].answer(r)
		switch {
		case err != nil:
			return no, err
		case one == decisive:
			return decisive, nil
		case one == unknown:
			answer = unknown
		}
	}
	return answer, nil
}

// testColumn answers a test of a column.
func (b *bound) testColumn(r Row) (truth, error) {
	filed, ok := r.find(b.column.Name)
	if !ok {
		return no, ErrOtherColumns
	}
	switch {
	case b.test == "is":
		return b.testIs(filed)
	case b.test == "in" && len(b.values) == 0:
		return no, nil
	case filed.isNull():
		return unknown, nil
	}
	v, ok := filed.read(b.column)
	if !ok {
		return no, ErrOtherColumns
	}
	return truthOf(b.holds(v)), nil
}

// testIs answers is, which is never unknown.
func (b *bound) testIs(filed field) (truth, error) {
	isNull := filed.isNull()
	if b.want == "null" || isNull {
		return truthOf(isNull && b.want == "null"), nil
	}
	v, ok := filed.read(b.column)
	if !ok {
		return no, ErrOtherColumns
	}
	return truthOf((v.number != 0) == (b.want == "true")), nil
}

// holds reports whether a value passes the test.
func (b *bound) holds(v value) bool {
	switch b.test {
	case "like", "prefix":
		return b.pattern.matches(v.text)
	case "in":
		_, found := slices.BinarySearchFunc(b.values, v, b.column.compare)
		return found
	}
	order := b.column.compare(v, b.values[0])
	switch b.test {
	case "eq":
		return order == 0
	case "ne":
		return order != 0
	case "lt":
		return order < 0
	case "lte":
		return order <= 0
	case "gt":
		return order > 0
	}
	return order >= 0
}
