package rules

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// OrderTerm is a column by which rows are ordered.
type OrderTerm struct {
	Column     string // its name in the catalog
	Descending bool
	Nulls      Nulls
}

// Nulls says where rows without a value come. The zero Nulls is PostgreSQL's default: last where the
// values ascend, first where they descend.
type Nulls string

// The places of rows without a value.
const (
	NullsFirst Nulls = "FIRST"
	NullsLast  Nulls = "LAST"
)

// orderTerm is a term's column, in double quotes or without, and what follows it.
var orderTerm = regexp.MustCompile(`(?i)^\s*("(?:[^"]|"")+"|[^"]+?)(?:\s+(ASC|DESC))?(?:\s+NULLS\s+(FIRST|LAST))?\s*$`)

// ParseOrder reads an order such as "placed_at DESC NULLS LAST, id". The names of columns are those of
// the catalog. A name that has a comma, or ends in one of the words, stands in double quotes.
func ParseOrder(text string) ([]OrderTerm, error) {
	var terms []OrderTerm
	seen := map[string]bool{}
	for _, word := range splitOutsideQuotes(text) {
		if strings.TrimSpace(word) == "" {
			return nil, errors.New("has a part without a column: write columns with commas between them, such as placed_at DESC, id")
		}
		found := orderTerm.FindStringSubmatch(word)
		if found == nil {
			return nil, fmt.Errorf("cannot be read at %q: write a column, ASC or DESC, and NULLS FIRST or NULLS LAST", strings.TrimSpace(word))
		}
		term := OrderTerm{ColumnName(found[1]), strings.EqualFold(found[2], "DESC"), Nulls(strings.ToUpper(found[3]))}
		if seen[term.Column] {
			return nil, fmt.Errorf("names the column %s twice", term.Column)
		}
		seen[term.Column] = true
		terms = append(terms, term)
	}
	return terms, nil
}

// splitOutsideQuotes splits text at the commas that are not within double quotes. Text of nothing has no
// parts.
func splitOutsideQuotes(text string) []string {
	if text == "" {
		return nil
	}
	var parts []string
	quoted, begin := false, 0
	for i := range len(text) {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case text[i] == ',' && !quoted:
			parts, begin = append(parts, text[begin:i]), i+1
		}
	}
	return append(parts, text[begin:])
}
