package filter

import (
	"strings"
	"unicode/utf8"
)

// pattern is a pattern of LIKE. A backslash stands before a character that means itself.
type pattern struct {
	parts     []likePart // what stands between two %
	text      string     // as PostgreSQL reads it
	openBegin bool       // the pattern begins with %
	openEnd   bool       // it ends with %
}

// likePart is a run of characters, of which some may be any.
type likePart []likeRune

// likeRune is a character of a pattern, or any.
type likeRune struct {
	char rune
	any  bool
}

// parsePattern reads a pattern. It reports false if the pattern ends with the backslash of an escape, which PostgreSQL refuses.
func parsePattern(text string) (pattern, bool) {
	p := pattern{text: text}
	var part likePart
	escaped, began := false, false
	for _, char := range text {
		p.openEnd = false
		switch {
		case escaped:
			part, escaped = append(part, likeRune{char: char}), false
		case char == '\\':
			escaped = true
		case char == '_':
			part = append(part, likeRune{any: true})
		case char == '%':
			p.openBegin = p.openBegin || !began
			p.openEnd = true
			if len(part) > 0 {
				p.parts, part = append(p.parts, part), nil
			}
		default:
			part = append(part, likeRune{char: char})
		}
		began = true
	}
	if len(part) > 0 {
		p.parts = append(p.parts, part)
	}
	return p, !escaped
}

// prefixPattern is the pattern of texts that begin with a text.
func prefixPattern(prefix string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(prefix) + "%"
}

// matches reports whether the whole text has the form of the pattern. Each part but a last one that is bound to the end
// takes the first place where it fits: a later place would leave the others less room.
func (p pattern) matches(text string) bool {
	parts := p.parts
	if len(parts) == 0 {
		return text == "" || p.openBegin
	}
	if !p.openBegin {
		rest, ok := parts[0].cut(text)
		if !ok {
			return false
		}
		if text, parts = rest, parts[1:]; len(parts) == 0 {
			return text == "" || p.openEnd
		}
	}
	var last likePart
	if !p.openEnd {
		last, parts = parts[len(parts)-1], parts[:len(parts)-1]
	}
	for _, part := range parts {
		rest, ok := part.find(text)
		if !ok {
			return false
		}
		text = rest
	}
	return last == nil || last.ends(text)
}

// cut takes the part from the beginning of a text.
func (l likePart) cut(text string) (rest string, ok bool) {
	for _, wanted := range l {
		char, size := utf8.DecodeRuneInString(text)
		if size == 0 || !wanted.any && char != wanted.char {
			return "", false
		}
		text = text[size:]
	}
	return text, true
}

// find returns what follows the first place where the part fits.
func (l likePart) find(text string) (rest string, ok bool) {
	for {
		if rest, ok := l.cut(text); ok {
			return rest, true
		}
		_, size := utf8.DecodeRuneInString(text)
		if size == 0 {
			return "", false
		}
		text = text[size:]
	}
}

// ends reports whether the text ends with the part.
func (l likePart) ends(text string) bool {
	for i := len(l) - 1; i >= 0; i-- {
		char, size := utf8.DecodeLastRuneInString(text)
		if size == 0 || !l[i].any && char != l[i].char {
			return false
		}
		text = text[:len(text)-size]
	}
	return true
}
