package filter

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The limits of a filter.
const (
	MaxBytes = 8 << 10 // of its JSON
	MaxTerms = 64      // tests of columns
	maxDepth = 16      // of and, or and not within each other

	maxLikeRunes = 256 // characters of a pattern of like

	// maxSearches bounds the time that patterns of like take, which is that of so many searches of the texts of a row.
	maxSearches = 16
)

// Error says what is wrong with a filter, as a sentence for whoever has written it.
type Error struct{ Text string }

func (e *Error) Error() string { return e.Text }

func refuse(format string, values ...any) error { return &Error{fmt.Sprintf(format, values...)} }

// Condition is a filter that was read, but not checked against the columns of a table.
type Condition struct{ root node }

// node is a part of a condition: one of and, or and not, with parts below it, or a test of a column.
type node struct {
	logic  logic
	parts  []node
	column string
	test   string          // eq, ne, lt, lte, gt, gte, in, like, prefix or is
	given  json.RawMessage // the value of the test; of in: a list
}

// logic says how the parts of a node are connected.
type logic int

const (
	isTest logic = iota // the node is a test of a column
	allOf               // and
	anyOf               // or
	noneOf              // not
)

var logics = map[string]logic{"and": allOf, "or": anyOf, "not": noneOf}

var testNames = []string{"eq", "ne", "lt", "lte", "gt", "gte", "in", "like", "prefix", "is"}

// Parse reads a filter. The error is an *Error.
func Parse(text []byte) (Condition, error) {
	switch {
	case len(text) > MaxBytes:
		return Condition{}, refuse("a filter has at most %d bytes", MaxBytes)
	case !utf8.Valid(text) || !json.Valid(text):
		return Condition{}, refuse("a filter is JSON, such as {\"status\":{\"in\":[\"open\",\"late\"]},\"total\":{\"gte\":100}}")
	}
	p := &parser{}
	root, err := p.object(text, 0)
	return Condition{root}, err
}

// parser counts the terms of one filter.
type parser struct{ terms int }

// object reads {column: test, ...}: all of its entries must hold.
func (p *parser) object(text json.RawMessage, depth int) (node, error) {
	if !isObject(text) {
		return node{}, refuse("%s: a filter is an object, such as {\"status\":\"open\"}", shorten(text))
	}
	if depth > maxDepth {
		return node{}, refuse("and, or and not may be nested %d times at most", maxDepth)
	}
	all := node{logic: allOf}
	err := eachField(text, func(name string, value json.RawMessage) error {
		part, err := p.entry(name, value, depth)
		all.parts = append(all.parts, part)
		return err
	})
	return all, err
}

// entry reads one entry of an object. The words and, or and not have lists; a column of such a name never has.
func (p *parser) entry(name string, value json.RawMessage, depth int) (node, error) {
	if connects, ok := logics[name]; ok && isList(value) {
		return p.list(connects, value, depth)
	}
	switch {
	case isList(value):
		return node{}, refuse("%q: for one of several values write {\"in\": [...]}", name)
	case isObject(value):
		return p.tests(name, value)
	}
	return p.term(name, "eq", value)
}

// list reads the conditions that and, or or not connect.
func (p *parser) list(connects logic, value json.RawMessage, depth int) (node, error) {
	n := node{logic: connects}
	var parts []json.RawMessage
	if err := json.Unmarshal(value, &parts); err != nil {
		return node{}, refuse("%s is no list", shorten(value))
	}
	for _, text := range parts {
		part, err := p.object(text, depth+1)
		if err != nil {
			return node{}, err
		}
		n.parts = append(n.parts, part)
	}
	return n, nil
}

// tests reads {"gte": 100, "lt": 200}: all tests of one column.
func (p *parser) tests(column string, value json.RawMessage) (node, error) {
	all := node{logic: allOf}
	err := eachField(value, func(name string, given json.RawMessage) error {
		part, err := p.term(column, name, given)
		all.parts = append(all.parts, part)
		return err
	})
	if err == nil && len(all.parts) == 0 {
		err = refuse("%q has no test: write one of %s", column, strings.Join(testNames, ", "))
	}
	return all, err
}

// term reads one test of a column.
func (p *parser) term(column, test string, given json.RawMessage) (node, error) {
	if p.terms++; p.terms > MaxTerms {
		return node{}, refuse("a filter has at most %d tests", MaxTerms)
	}
	known := false
	for _, name := range testNames {
		known = known || name == test
	}
	isNull := string(given) == "null"
	switch {
	case !known:
		return node{}, refuse("%q: there is no test %q: write one of %s", column, test, strings.Join(testNames, ", "))
	case isNull && test != "is":
		return node{}, refuse("%q: nothing equals null: write {\"is\": null}", column)
	case test == "in" && !isList(given):
		return node{}, refuse("%q: in has a list of values", column)
	case test != "in" && (isList(given) || isObject(given)):
		return node{}, refuse("%q: %s has one value", column, test)
	}
	return node{column: column, test: test, given: given}, nil
}

// shorten is JSON for a sentence.
func shorten(value json.RawMessage) string {
	const most = 40
	if text := []rune(string(value)); len(text) > most {
		return string(text[:most]) + "..."
	}
	return string(value)
}
