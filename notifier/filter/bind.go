package filter

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// Filter is a condition on the columns of one table. It never changes.
type Filter struct {
	root      bound
	canonical string
}

// Canonical is the one spelling of the filter. Filters that are spelled alike pass the same rows of the same columns.
func (f *Filter) Canonical() string { return f.canonical }

// bound is a node whose column and values are known.
type bound struct {
	logic logic
	parts []bound

	column  *Column
	test    string
	values  []value // of comparisons one, of in all, in ascending order
	pattern pattern // of like and prefix
	want    string  // of is: null, true or false
}

// Bind checks the condition against the columns of a table. The error is an *Error, which names the column.
func (c Condition) Bind(columns []Column) (*Filter, error) {
	own := slices.Clone(columns)
	root, err := bind(c.root, own)
	if err != nil {
		return nil, err
	}
	root = simplify(root)
	if root.searches() > maxSearches {
		return nil, refuse("at most %d patterns of like may have text between two %%, and such a text with a _ in it, or longer than 63 bytes, counts as four", maxSearches)
	}
	return &Filter{root: root, canonical: root.spell()}, nil
}

// searches is how much work the patterns below are.
func (b bound) searches() int {
	n := b.pattern.searches()
	for _, part := range b.parts {
		n += part.searches()
	}
	return n
}

func bind(n node, columns []Column) (bound, error) {
	if n.logic == isTest {
		return bindTest(n, columns)
	}
	b := bound{logic: n.logic}
	for _, part := range n.parts {
		child, err := bind(part, columns)
		if err != nil {
			return bound{}, err
		}
		b.parts = append(b.parts, child)
	}
	return b, nil
}

func bindTest(n node, columns []Column) (bound, error) {
	column := find(columns, n.column)
	if column == nil {
		return bound{}, refuse("%q is no column that filters of this topic can name", n.column)
	}
	b := bound{column: column, test: n.test}
	switch n.test {
	case "is":
		return b.is(n.given)
	case "like", "prefix":
		return b.like(n.given)
	case "in":
		return b.in(n.given)
	}
	return b.comparison(n.given)
}

func (b bound) is(given json.RawMessage) (bound, error) {
	b.want = strings.TrimSpace(string(given))
	switch b.want {
	case "null":
		return b, nil
	case "true", "false":
		if b.column.Kind == KindBool {
			return b, nil
		}
		return bound{}, refuse("%q is of type %s: only a boolean is true or false; null is the other value of is", b.column.Name, b.column.Type)
	}
	return bound{}, refuse("%q: is has the value null, true or false", b.column.Name)
}

func (b bound) like(given json.RawMessage) (bound, error) {
	if !b.column.isText() {
		return bound{}, refuse("%q is of type %s: %s is for texts", b.column.Name, b.column.Type, b.test)
	}
	v, ok := b.column.read(given)
	if !ok {
		return bound{}, b.refuseValue(given)
	}
	text := v.text
	if b.test == "prefix" {
		text = prefixPattern(text)
	} else if utf8.RuneCountInString(text) > maxLikeRunes {
		return bound{}, refuse("%q: a pattern of like has at most %d characters", b.column.Name, maxLikeRunes)
	}
	if b.pattern, ok = parsePattern(text); !ok {
		return bound{}, refuse("%q: the pattern ends with a backslash, which stands before another character", b.column.Name)
	}
	if !b.pattern.isSearchable() {
		return bound{}, refuse("%q: between two %% of a pattern, a text with a _ in it has at most %d characters", b.column.Name, maxSearchedChars)
	}
	return b, nil
}

func (b bound) in(given json.RawMessage) (bound, error) {
	var all []json.RawMessage
	if err := json.Unmarshal(given, &all); err != nil || !b.column.isComparable() {
		return bound{}, b.refuseTest()
	}
	for _, one := range all {
		v, err := b.value(one)
		if err != nil {
			return bound{}, err
		}
		b.values = append(b.values, v)
	}
	slices.SortFunc(b.values, b.column.compare)
	b.values = slices.CompactFunc(b.values, func(x, y value) bool { return b.column.compare(x, y) == 0 })
	return b, nil
}

func (b bound) comparison(given json.RawMessage) (bound, error) {
	equality := b.test == "eq" || b.test == "ne"
	if !b.column.isComparable() || !equality && !b.column.isOrdered() {
		return bound{}, b.refuseTest()
	}
	v, err := b.value(given)
	b.values = []value{v}
	return b, err
}

// value reads a value that the column is compared with.
func (b bound) value(given json.RawMessage) (value, error) {
	if strings.TrimSpace(string(given)) == "null" {
		return value{}, refuse("%q: nothing equals null: write {\"is\": null}", b.column.Name)
	}
	v, ok := b.column.read(given)
	if !ok {
		return value{}, b.refuseValue(given)
	}
	if b.column.Kind == KindEnum && !slices.Contains(b.column.Labels, v.text) {
		return value{}, b.refuseValue(given)
	}
	return v, nil
}

func (b bound) refuseValue(given json.RawMessage) error {
	return refuse("%q is of type %s: %s is no value of it", b.column.Name, b.column.Type, shorten(given))
}

func (b bound) refuseTest() error {
	if b.column.Kind == KindEnum {
		return refuse("%q is an enum: the tests of it are eq, ne, in and is", b.column.Name)
	}
	return refuse("%q is of type %s, whose values filters do not compare: the only test of it is {\"is\": null}", b.column.Name, b.column.Type)
}
