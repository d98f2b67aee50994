package api

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"

	"rowcall/api/identity"
	"rowcall/api/problem"
)

// listing says which rows are wanted, in which order, and how many of them.
type listing struct {
	filters []filter
	words   []string // that a row must have somewhere
	order   []ordering
	limit   int
	offset  int
}

// filter wants one of several values of a column; nil is NULL.
type filter struct {
	column *column
	values []any
}

// ordering is a column to order by.
type ordering struct {
	column     *column
	descending bool
}

const (
	usualLimit = 100
	mostLimit  = 1000
)

// listingOf reads the query of an address. What is wrong is told by parameter.
func (r *resource) listingOf(q url.Values) (listing, fieldErrors) {
	wrong := fieldErrors{}
	l := listing{limit: usualLimit}
	for name, given := range q {
		switch name {
		case "limit":
			l.limit = wholeParameter(name, given, 1, mostLimit, wrong)
		case "offset":
			l.offset = wholeParameter(name, given, 0, math.MaxInt32, wrong)
		case "search":
			l.words = wordsOf(given, wrong)
		case "ordering":
			l.order = r.orderOf(given, wrong)
		default:
			l.filters = append(l.filters, r.filterOf(name, given, wrong))
		}
	}
	slices.SortFunc(l.filters, func(a, b filter) int { return strings.Compare(a.name(), b.name()) })
	return l, wrong
}

func (f filter) name() string {
	if f.column == nil {
		return ""
	}
	return f.column.Name
}

func wholeParameter(name string, given []string, least, most int, wrong fieldErrors) int {
	n, err := problem.Query{Values: url.Values{name: given}}.Number(name, least, most, least)
	if err != nil {
		wrong.add(name, fmt.Sprintf("A whole number from %d to %d, once.", least, most))
	}
	return n
}

// orderOf reads names between commas; one with a minus is for descending order.
func (r *resource) orderOf(given []string, wrong fieldErrors) []ordering {
	var order []ordering
	for _, word := range strings.Split(strings.Join(given, ","), ",") {
		name, descending := strings.CutPrefix(strings.TrimSpace(word), "-")
		c := r.field(name)
		if c == nil || !c.kind.comparable() {
			wrong.add("ordering", fmt.Sprintf("There is no order by %q.", name))
			continue
		}
		order = append(order, ordering{c, descending})
	}
	return order
}

// filterOf takes a parameter that stands several times as any of its values. Nothing stands for NULL, but in
// text, where it is the empty text.
func (r *resource) filterOf(name string, given []string, wrong fieldErrors) filter {
	c := r.field(name)
	if c == nil || !c.kind.comparable() {
		wrong.add(name, "There is no such field to filter by.")
		return filter{}
	}
	f := filter{column: c}
	for _, text := range given {
		if text == "" && c.kind != valueText {
			f.values = append(f.values, nil)
			continue
		}
		value, problem := c.sought(text)
		if problem != "" {
			wrong.add(name, problem)
		}
		f.values = append(f.values, value)
	}
	return f
}

// sought reads a value to look for: text is taken as it is, of any length.
func (c *column) sought(text string) (value any, problem string) {
	loose := *c
	loose.exact, loose.Length = true, 0
	return answered(loose.readScalar(text, formText))
}

// field finds a column that is shown; nil without one.
func (r *resource) field(name string) *column {
	at := slices.IndexFunc(r.columns, func(c *column) bool { return c.Name == name })
	if at < 0 {
		return nil
	}
	return r.columns[at]
}

// count counts the rows that are wanted.
func (r *resource) count(l listing, who identity.Identity) *statement {
	s := &statement{}
	s.add("SELECT count(*)", r.sql.from)
	s.where(l.filters)
	s.searched(r, who, l.words)
	return s
}

// page is the rows asked for. The key comes last in the order, so that pages fit together.
func (r *resource) page(l listing, who identity.Identity) *statement {
	s := &statement{}
	s.add("SELECT ", r.sql.shown, r.sql.from)
	s.where(l.filters)
	s.searched(r, who, l.words)
	s.add(" ORDER BY ")
	for _, o := range l.order {
		s.add("t.", o.column.Ident)
		if o.descending {
			s.add(" DESC")
		}
		s.add(", ")
	}
	s.add("t.", r.key.Ident, fmt.Sprintf(" LIMIT %d OFFSET %d", l.limit, l.offset))
	return s
}

func (s *statement) where(filters []filter) {
	for _, f := range filters {
		s.condition()
		for j, value := range f.values {
			if j > 0 {
				s.add(" OR ")
			}
			if value == nil {
				s.add("t.", f.column.Ident, " IS NULL")
				continue
			}
			s.add("t.", f.column.Ident, " = ", s.bind(value))
		}
		s.add(")")
	}
}
