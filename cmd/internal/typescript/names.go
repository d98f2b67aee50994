package typescript

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// names are the identifiers of a file: each is taken once.
type names struct{ taken map[string]bool }

// newNames begins with those that the file has in any case, or uses as TypeScript means them.
func newNames() *names {
	n := &names{map[string]bool{"Topics": true, "Register": true, "Partial": true}}
	for _, a := range aliases() {
		n.taken[a.name] = true
	}
	return n
}

// take finds a name that is free with each of the endings, and takes it: the name itself, or with a number behind it.
func (n *names) take(name string, endings ...string) string {
	found := name
	for i := 2; !n.free(found, endings); i++ {
		found = fmt.Sprintf("%s%d", name, i)
	}
	for _, end := range endings {
		n.taken[found+end] = true
	}
	return found
}

func (n *names) free(name string, endings []string) bool {
	for _, end := range endings {
		if n.taken[name+end] {
			return false
		}
	}
	return true
}

// identifier writes a name of the database as one of TypeScript: OrderItems for order_items. Where nothing of it can stand
// in an identifier it is fallback.
func identifier(name, fallback string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !isLetter(r) && !isDigit(r) })
	var b strings.Builder
	for _, word := range words {
		first := []rune(word)[0]
		b.WriteRune(upper(first))
		b.WriteString(word[len(string(first)):])
	}
	found := b.String()
	if found == "" || isDigit([]rune(found)[0]) {
		return fallback + found
	}
	return found
}

// upper is the letter as a capital, if that may stand in an identifier too.
func upper(r rune) rune {
	if capital := unicode.ToUpper(r); isLetter(capital) {
		return capital
	}
	return r
}

// patternIdentifier names the rows of a listed topic: RoomByRoomId for room/{room_id:int}.
func patternIdentifier(pattern string) string {
	var literals, parameters []string
	for part := range strings.SplitSeq(pattern, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			name, _, _ = strings.Cut(strings.TrimSuffix(name, "}"), ":")
			parameters = append(parameters, identifier(name, "Value"))
			continue
		}
		literals = append(literals, part)
	}
	found := identifier(strings.Join(literals, " "), "Topic")
	if parameters != nil {
		found += "By" + strings.Join(parameters, "And")
	}
	return found
}

// isLetter reports whether a letter may stand in an identifier for every version and target of TypeScript: the compiler may be of
// an older Unicode than this program. Other letters part words, as blanks do.
func isLetter(r rune) bool {
	spans := [][2]rune{
		{'A', 'Z'}, {'a', 'z'}, {'À', 'Ö'}, {'Ø', 'ö'}, {'ø', 'ſ'}, // Latin
		{'Ạ', 'ỹ'}, {'Ơ', 'ơ'}, {'Ư', 'ư'}, // Vietnamese
		{'Ά', 'Ά'}, {'Έ', 'Ί'}, {'Ό', 'Ό'}, {'Ύ', 'Ρ'}, {'Σ', 'ώ'}, // Greek
		{'Ё', 'Ќ'}, {'Ў', 'я'}, {'ё', 'ќ'}, {'ў', 'ҁ'}, // Cyrillic
		{'א', 'ת'}, {'ء', 'غ'}, {'ف', 'ي'}, // Hebrew, Arabic
		{'ぁ', 'ゔ'}, {'ァ', 'ヺ'}, {'ー', 'ー'}, {'一', '龥'}, {'가', '힣'}, // Japanese, Chinese, Korean
	}
	return slices.ContainsFunc(spans, func(span [2]rune) bool { return span[0] <= r && r <= span[1] })
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

// propertyName is a name as the name of a property: within quotes, if it is no identifier.
func propertyName(name string) string {
	for i, r := range name {
		plain := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '_' || r == '$'
		if !plain && (i == 0 || !isDigit(r)) {
			return quote(name)
		}
	}
	if name == "" {
		return quote(name)
	}
	return name
}

// quote writes a text as a literal. What cannot be seen is escaped: a line break, or what turns the direction of a line.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range text {
		switch {
		case r == '\'' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + "'"
}

// comment is a name that stays within a comment of either form, and is none of the words with an @ that compilers and editors
// obey, such as @ts-ignore and @deprecated.
func comment(name string) string {
	shown := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\ufffd'
		}
		return r
	}, name)
	return strings.NewReplacer("*/", "* /", "@", "(at)").Replace(shown)
}
