package resource

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"rowcall/api/identity"
	"rowcall/api/problem"
)

// listing says which rows are wanted, in which order, and how many of them.
type listing struct {
	filters []filter
	words   []string // a row must have each of these words somewhere
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
	defaultLimit    = 100
	greatestLimit   = 1000
	longestSearch   = 100 // characters
	mostSearchWords = 10
)

// parseListing reads the query of an address. The messages are by parameter.
func (r *Resource) parseListing(q url.Values) (listing, FieldErrors) {
	wrong := FieldErrors{}
	l := listing{limit: defaultLimit}
	for name, given := range q {
		switch name {
		case "limit":
			l.limit = parseWhole(name, given, 1, greatestLimit, wrong)
		case "offset":
			l.offset = parseWhole(name, given, 0, math.MaxInt32, wrong)
		case "search":
			l.words = parseSearch(given, wrong)
		case "ordering":
			l.order = r.parseOrdering(given, wrong)
		default:
			l.filters = append(l.filters, r.parseFilter(name, given, wrong))
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

func parseWhole(name string, given []string, least, most int, wrong FieldErrors) int {
	n, err := problem.Query{Values: url.Values{name: given}}.Number(name, least, most, least)
	if err != nil {
		wrong.add(name, fmt.Sprintf("A whole number from %d to %d, once.", least, most))
	}
	return n
}

// parseOrdering reads names between commas. A minus before a name is for descending order.
func (r *Resource) parseOrdering(given []string, wrong FieldErrors) []ordering {
	var order []ordering
	for _, word := range strings.Split(strings.Join(given, ","), ",") {
		name, descending := strings.CutPrefix(strings.TrimSpace(word), "-")
		c := r.column(name)
		if c == nil || !c.kind.isComparable() {
			wrong.add("ordering", fmt.Sprintf("There is no order by %q.", name))
			continue
		}
		order = append(order, ordering{c, descending})
	}
	return order
}

// parseFilter reads a parameter that may be given several times, for any of its values. An empty
// value is NULL, except for a column of text, where it is the empty text.
func (r *Resource) parseFilter(name string, given []string, wrong FieldErrors) filter {
	c := r.column(name)
	if c == nil || !c.kind.isComparable() {
		wrong.add(name, "There is no such field to filter by.")
		return filter{}
	}
	f := filter{column: c}
	for _, text := range given {
		if text == "" && c.kind != kindText {
			f.values = append(f.values, nil)
			continue
		}
		value, message := c.readSought(text)
		if message != "" {
			wrong.add(name, message)
		}
		f.values = append(f.values, value)
	}
	return f
}

// parseSearch reads the words that a row must have.
func parseSearch(given []string, wrong FieldErrors) []string {
	text := strings.Join(given, " ")
	words := strings.Fields(text)
	switch {
	case len(given) > 1:
		wrong.add("search", "Once.")
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		wrong.add("search", messageNoText)
	case utf8.RuneCountInString(text) > longestSearch:
		wrong.add("search", fmt.Sprintf(messageTooLong, longestSearch))
	case len(words) > mostSearchWords:
		wrong.add("search", fmt.Sprintf("At most %d words.", mostSearchWords))
	}
	return words
}

// selectCount counts the rows of a listing on all pages.
func (r *Resource) selectCount(l listing, who identity.Identity) *statement {
	s := &statement{}
	s.add("SELECT count(*)", r.sql.from)
	s.addFilters(l.filters)
	s.addSearch(r, who, l.words)
	return s
}

// selectPage selects a page of rows. The key comes last in the order, so that every row is on one
// page.
func (r *Resource) selectPage(l listing, who identity.Identity) *statement {
	s := &statement{}
	s.add("SELECT ", r.sql.document, r.sql.from)
	s.addFilters(l.filters)
	s.addSearch(r, who, l.words)
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

func (s *statement) addFilters(filters []filter) {
	for _, f := range filters {
		s.openCondition()
		for i, value := range f.values {
			if i > 0 {
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

// addSearch adds a condition for each word: the row has the word in one of its texts, as its key, or
// in the label of a row that it refers to and that the user may see.
func (s *statement) addSearch(r *Resource, who identity.Identity, words []string) {
	for _, word := range words {
		like := " ILIKE " + s.bind("%"+escapeLike(word)+"%")
		s.openCondition("t.", r.key.Ident, "::text = ", s.bind(word))
		for _, c := range r.columns {
			if c.kind == kindText || c.kind == kindEnum {
				s.add(" OR ", c.searchableSQL("t"), like)
			}
		}
		for _, ref := range r.references {
			if to := ref.target(who); to != nil {
				s.add(" OR EXISTS (SELECT FROM ", to.table.Name, " AS o WHERE o.", to.key.Ident, " = t.", ref.column.Ident,
					" AND ", to.label.searchableSQL("o"), like, ")")
			}
		}
		s.add(")")
	}
}

// escapeLike escapes the characters that LIKE treats as wildcards.
func escapeLike(word string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(word)
}
