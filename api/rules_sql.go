package api

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// The parameters that every configured statement may name.
const (
	paramMe    = "me"    // the follower's user id; NULL when anonymous
	paramStaff = "staff" // whether the follower is staff
)

// parameter is a name behind an @ in configured SQL, and its type.
type parameter struct{ name, sqlType string }

// asked is the row that a configured statement is evaluated beside: its columns are the
// parameters. A name that nobody gives a table, so that configured SQL cannot mean another.
const asked = `"@"`

// bind replaces each @name in configured SQL by a column of asked. Values never become text of a
// statement. It leaves alone what is no parameter: strings, quoted names, comments, operators such
// as @> and <@, and text such as a@b.
func bind(sql string, allowed []parameter) (string, error) {
	l := lexer{sql: strings.TrimRight(strings.TrimSpace(sql), "; \t\r\n"), allowed: allowed}
	for l.at < len(l.sql) {
		if err := l.next(); err != nil {
			return "", err
		}
	}
	return l.out.String(), nil
}

// lexer goes through SQL as PostgreSQL's own does, as far as finding parameters needs it.
type lexer struct {
	sql     string
	at      int
	out     strings.Builder
	allowed []parameter
}

// next copies one token, or what stands for it.
func (l *lexer) next() error {
	rest := l.sql[l.at:]
	switch c := rest[0]; {
	case c == '\'':
		return l.quoted('\'', l.escapes())
	case c == '"':
		return l.quoted('"', false)
	case strings.HasPrefix(rest, "--"):
		l.copy(lineLength(rest))
	case strings.HasPrefix(rest, "/*"):
		return l.comment()
	case c == '$':
		return l.dollar()
	case c == '@':
		return l.param()
	case isWord(c):
		l.copy(wordLength(rest))
	case c == ';':
		return errors.New("one statement, please: there is a semicolon in it")
	default:
		l.copy(1)
	}
	return nil
}

func (l *lexer) copy(n int) {
	l.out.WriteString(l.sql[l.at : l.at+n])
	l.at += n
}

// before is the byte in front of the present one; a blank at the start.
func (l *lexer) before(back int) byte {
	if l.at < back {
		return ' '
	}
	return l.sql[l.at-back]
}

// escapes reports whether the string that begins here is of the form E'...'.
func (l *lexer) escapes() bool {
	return (l.before(1) == 'e' || l.before(1) == 'E') && !isWord(l.before(2))
}

// quoted copies a string or a quoted name. A doubled quote ends one and begins the next, which
// comes to the same.
func (l *lexer) quoted(quote byte, escapes bool) error {
	for i := l.at + 1; i < len(l.sql); i++ {
		switch {
		case l.sql[i] == quote:
			l.copy(i + 1 - l.at)
			return nil
		case l.sql[i] == '\\' && escapes:
			i++
		}
	}
	return fmt.Errorf("a quote %c is not closed", quote)
}

// comment copies a comment of the form /* */, which may hold others.
func (l *lexer) comment() error {
	depth := 0
	for i := l.at; i < len(l.sql)-1; i++ {
		switch l.sql[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
		}
		if depth == 0 {
			l.copy(i + 1 - l.at)
			return nil
		}
	}
	return errors.New("a comment is not closed")
}

// dollar copies a string of the form $tag$ ... $tag$, and refuses parameters of the form $1.
func (l *lexer) dollar() error {
	rest := l.sql[l.at:]
	if len(rest) > 1 && '0' <= rest[1] && rest[1] <= '9' {
		return errors.New("parameters are written @name, not $1")
	}
	tag, _, found := strings.Cut(rest[1:], "$")
	if !found || wordLength(tag) != len(tag) {
		l.copy(1)
		return nil
	}
	delimiter := "$" + tag + "$"
	end := strings.Index(rest[len(delimiter):], delimiter)
	if end < 0 {
		return fmt.Errorf("a string that begins with %s is not closed", delimiter)
	}
	l.copy(end + 2*len(delimiter))
	return nil
}

// param replaces @name, where it is one.
func (l *lexer) param() error {
	length := wordLength(l.sql[l.at+1:])
	if length == 0 || !l.standsAlone() {
		l.copy(1)
		return nil
	}
	name := l.sql[l.at+1 : l.at+1+length]
	for _, p := range l.allowed {
		if p.name == name {
			l.out.WriteString(asked + "." + pgx.Identifier{name}.Sanitize())
			l.at += 1 + length
			return nil
		}
	}
	return fmt.Errorf("there is no parameter @%s; there are %s", name, l.names())
}

// standsAlone reports whether the @ here can begin a parameter: it does not where it ends an
// operator of PostgreSQL's, nor behind a word.
func (l *lexer) standsAlone() bool {
	switch l.before(1) {
	case '<', '@', '~', '#', '?', '&', '^', '!':
		return false
	}
	return !isWord(l.before(1)) && l.before(1) != '"'
}

func (l *lexer) names() string {
	var names []string
	for _, p := range l.allowed {
		names = append(names, "@"+p.name)
	}
	return strings.Join(names, ", ")
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c >= 0x80
}

// wordLength is the length of the name, keyword or number that text begins with. A $ may stand in
// a name, but at its start it begins something else.
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
