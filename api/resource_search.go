package api

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"rowcall/api/identity"
)

const (
	searchLength = 100 // characters
	searchWords  = 10
)

// wordsOf reads the parameter search: words, all of which a row must have somewhere.
func wordsOf(given []string, wrong fieldErrors) []string {
	text := strings.Join(given, " ")
	words := strings.Fields(text)
	switch {
	case len(given) > 1:
		wrong.add("search", "Once.")
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		wrong.add("search", saysNoText)
	case utf8.RuneCountInString(text) > searchLength:
		wrong.add("search", fmt.Sprintf(saysLong, searchLength))
	case len(words) > searchWords:
		wrong.add("search", fmt.Sprintf("At most %d words.", searchWords))
	}
	return words
}

// searched adds the conditions that a row has each of the words: in one of its texts, in the label of a row
// that it refers to, as far as the user may see that, or as its key.
func (s *statement) searched(r *resource, who identity.Identity, words []string) {
	for _, word := range words {
		like := " ILIKE " + s.bind("%"+literally(word)+"%")
		s.condition("t.", r.key.Ident, "::text = ", s.bind(word))
		for _, c := range r.columns {
			if c.kind == valueText || c.kind == valueEnum {
				s.add(" OR t.", c.searchable(), like)
			}
		}
		for _, ref := range r.refers {
			if to := ref.target(who); to != nil {
				s.add(" OR EXISTS (SELECT", to.sql.other, " WHERE o.", to.key.Ident, " = t.", ref.column.Ident,
					" AND o.", to.label.searchable(), like, ")")
			}
		}
		s.add(")")
	}
}

// literally takes their meaning from the characters that have one behind LIKE.
func literally(word string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(word)
}
