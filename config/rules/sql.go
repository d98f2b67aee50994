package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// BindParameters returns configured SQL in which each @name is replaced by what replace returns for
// the name. The SQL is one statement; semicolons at its end are dropped. A name that is not in names
// is an error.
//
// BindParameters changes nothing else: an @ within a string, a quoted name or a comment is no
// parameter, nor is it in operators such as @> and <@, or in text such as a@b.
func BindParameters(sql string, names []string, replace func(name string) string) (string, error) {
	s := sqlScanner{sql: strings.TrimRight(strings.TrimSpace(sql), "; \t\r\n"), names: names, replace: replace}
	for s.at < len(s.sql) {
		if err := s.next(); err != nil {
			return "", err
		}
	}
	return s.out.String(), nil
}

// sqlScanner splits SQL into tokens as PostgreSQL does, as far as finding parameters needs it.
type sqlScanner struct {
	sql     string
	at      int // the next byte to look at
	out     strings.Builder
	names   []string
	replace func(name string) string
}

// next copies one token to the output, or the replacement of a parameter.
func (s *sqlScanner) next() error {
	rest := s.sql[s.at:]
	switch c := rest[0]; {
	case c == '\'':
		return s.quoted('\'', s.escapes())
	case c == '"':
		return s.quoted('"', false)
	case strings.HasPrefix(rest, "--"):
		s.copy(lineLength(rest))
	case strings.HasPrefix(rest, "/*"):
		return s.comment()
	case c == '$':
		return s.dollar()
	case c == '@':
		return s.param()
	case isWord(c):
		s.copy(wordLength(rest))
	case c == ';':
		return errors.New("is more than one statement: there is a semicolon in it")
	default:
		s.copy(1)
	}
	return nil
}

func (s *sqlScanner) copy(n int) {
	s.out.WriteString(s.sql[s.at : s.at+n])
	s.at += n
}

// before is the byte that stands so many bytes in front of the present one. It is a blank in front of
// the whole text.
func (s *sqlScanner) before(back int) byte {
	if s.at < back {
		return ' '
	}
	return s.sql[s.at-back]
}

// escapes reports whether the string that begins here is of the form E'...'.
func (s *sqlScanner) escapes() bool {
	return (s.before(1) == 'e' || s.before(1) == 'E') && !isWord(s.before(2))
}

// quoted copies a string or a quoted name. It treats a doubled quote as the end of one string and
// the start of the next, which copies the same text.
func (s *sqlScanner) quoted(quote byte, escapes bool) error {
	for i := s.at + 1; i < len(s.sql); i++ {
		switch {
		case s.sql[i] == quote:
			s.copy(i + 1 - s.at)
			return nil
		case s.sql[i] == '\\' && escapes:
			i++
		}
	}
	return fmt.Errorf("has a quote %c that is not closed", quote)
}

// comment copies a comment of the form /* */, which may hold others.
func (s *sqlScanner) comment() error {
	depth := 0
	for i := s.at; i < len(s.sql)-1; i++ {
		switch s.sql[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
		}
		if depth == 0 {
			s.copy(i + 1 - s.at)
			return nil
		}
	}
	return errors.New("has a comment that is not closed")
}

// dollar copies a string of the form $tag$ ... $tag$, and refuses parameters of the form $1.
func (s *sqlScanner) dollar() error {
	rest := s.sql[s.at:]
	if len(rest) > 1 && '0' <= rest[1] && rest[1] <= '9' {
		return errors.New("has a parameter such as $1: write parameters as @name")
	}
	tag, _, found := strings.Cut(rest[1:], "$")
	if !found || wordLength(tag) != len(tag) {
		s.copy(1)
		return nil
	}
	delimiter := "$" + tag + "$"
	end := strings.Index(rest[len(delimiter):], delimiter)
	if end < 0 {
		return fmt.Errorf("has a string that begins with %s and is not closed", delimiter)
	}
	s.copy(end + 2*len(delimiter))
	return nil
}

// param replaces a parameter. It copies an @ that begins none.
func (s *sqlScanner) param() error {
	length := wordLength(s.sql[s.at+1:])
	if length == 0 || !s.standsAlone() {
		s.copy(1)
		return nil
	}
	name := s.sql[s.at+1 : s.at+1+length]
	if !slices.Contains(s.names, name) {
		return fmt.Errorf("names the parameter @%s, which does not exist; the parameters here are @%s", name, strings.Join(s.names, ", @"))
	}
	s.out.WriteString(s.replace(name))
	s.at += 1 + length
	return nil
}

// standsAlone reports whether the @ here can begin a parameter. It cannot if it ends an operator of
// PostgreSQL, such as <@, or follows a word.
func (s *sqlScanner) standsAlone() bool {
	switch s.before(1) {
	case '<', '@', '~', '#', '?', '&', '^', '!':
		return false
	}
	return !isWord(s.before(1)) && s.before(1) != '"'
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c >= 0x80
}

// wordLength is the length of the name, keyword or number that text begins with. A name may contain
// a $, but not begin with a $.
func wordLength(text string) int {
	for i := range len(text) {
		if !isWord(text[i]) && (text[i] != '$' || i == 0) {
			return i
		}
	}
	return len(text)
}

func lineLength(text string) int {
	if end := strings.IndexByte(text, '\n'); end >= 0 {
		return end
	}
	return len(text)
}
