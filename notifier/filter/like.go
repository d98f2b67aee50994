package filter

import (
	"slices"
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
type likePart struct {
	chars   []likeChar
	literal string // the characters, if none of them may be any
}

// likeChar is a character of a pattern, or any.
type likeChar struct {
	char rune
	any  bool
}

func newLikePart(chars []likeChar) likePart {
	var literal strings.Builder
	for _, c := range chars {
		if c.any {
			return likePart{chars: chars}
		}
		literal.WriteRune(c.char)
	}
	return likePart{literal: literal.String()}
}

// parsePattern reads a pattern. It reports false if the pattern ends with the backslash of an escape, which PostgreSQL refuses.
func parsePattern(text string) (pattern, bool) {
	p := pattern{text: text}
	var part []likeChar
	escaped, began := false, false
	for _, char := range text {
		p.openEnd = false
		switch {
		case escaped:
			part, escaped = append(part, likeChar{char: char}), false
		case char == '\\':
			escaped = true
		case char == '_':
			part = append(part, likeChar{any: true})
		case char == '%':
			p.openBegin = p.openBegin || !began
			p.openEnd = true
			if len(part) > 0 {
				p.parts, part = append(p.parts, newLikePart(part)), nil
			}
		default:
			part = append(part, likeChar{char: char})
		}
		began = true
	}
	if len(part) > 0 {
		p.parts = append(p.parts, newLikePart(part))
	}
	return p, !escaped
}

// prefixPattern is the pattern of texts that begin with a text.
func prefixPattern(prefix string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(prefix) + "%"
}

// split returns the part at the beginning of the text, those that stand anywhere, and the one at the end. The first and
// the last are nil if there are none.
func (p pattern) split() (first *likePart, anywhere []likePart, last *likePart) {
	anywhere = p.parts
	if !p.openBegin && len(anywhere) > 0 {
		first, anywhere = &anywhere[0], anywhere[1:]
	}
	if !p.openEnd && len(anywhere) > 0 {
		last, anywhere = &anywhere[len(anywhere)-1], anywhere[:len(anywhere)-1]
	}
	return first, anywhere, last
}

// searches is how much work a test of the pattern is: the time of so many searches for a short text. Texts that are long,
// and those with _ in them, take about four times as much.
func (p pattern) searches() int {
	const short = 63 // bytes
	most := 0
	_, anywhere, _ := p.split()
	for _, part := range anywhere {
		if part.chars != nil || len(part.literal) > short {
			return 4
		}
		most = 1
	}
	return most
}

// isSearchable reports whether find can look for all parts that may stand anywhere.
func (p pattern) isSearchable() bool {
	_, anywhere, _ := p.split()
	return !slices.ContainsFunc(anywhere, func(l likePart) bool { return len(l.chars) > maxSearchedChars })
}

// matches reports whether the whole text has the form of the pattern. Each part that may stand anywhere takes the first
// place where it fits: a later place would leave the others less room.
func (p pattern) matches(text string) bool {
	if len(p.parts) == 0 {
		return text == "" || p.openBegin
	}
	first, anywhere, last := p.split()
	if first != nil {
		rest, ok := first.cut(text)
		if !ok {
			return false
		}
		if text = rest; len(p.parts) == 1 {
			return text == "" || p.openEnd
		}
	}
	for _, part := range anywhere {
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
	if l.chars == nil {
		return strings.CutPrefix(text, l.literal)
	}
	for _, wanted := range l.chars {
		char, size := utf8.DecodeRuneInString(text)
		if size == 0 || !wanted.any && char != wanted.char {
			return "", false
		}
		text = text[size:]
	}
	return text, true
}

// maxSearchedChars is how many characters a part with _ has that may stand anywhere.
const maxSearchedChars = 64

// find returns what follows the first place where the part fits, in one pass over the text. With _ in the part, bit i of
// fitting says that the first i+1 characters of the part fit what was read last.
func (l likePart) find(text string) (rest string, ok bool) {
	if l.chars == nil {
		_, rest, ok = strings.Cut(text, l.literal)
		return rest, ok
	}
	var low [utf8.RuneSelf]uint64 // for each character: where the part has it
	var high map[rune]uint64
	anyChar := uint64(0)
	for i, c := range l.chars {
		switch {
		case c.any:
			anyChar |= 1 << i
		case c.char < utf8.RuneSelf:
			low[c.char] |= 1 << i
		case high == nil:
			high = map[rune]uint64{c.char: 1 << i}
		default:
			high[c.char] |= 1 << i
		}
	}
	whole, fitting := uint64(1)<<(len(l.chars)-1), uint64(0)
	for i, char := range text {
		places := anyChar
		if char < utf8.RuneSelf {
			places |= low[char]
		} else {
			places |= high[char]
		}
		if fitting = (fitting<<1 | 1) & places; fitting&whole != 0 {
			return text[i+utf8.RuneLen(char):], true
		}
	}
	return "", false
}

// ends reports whether the text ends with the part.
func (l likePart) ends(text string) bool {
	if l.chars == nil {
		return strings.HasSuffix(text, l.literal)
	}
	for i := len(l.chars) - 1; i >= 0; i-- {
		char, size := utf8.DecodeLastRuneInString(text)
		if size == 0 || !l.chars[i].any && char != l.chars[i].char {
			return false
		}
		text = text[:len(text)-size]
	}
	return true
}
