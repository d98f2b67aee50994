package topic

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind is the type of a parameter's values.
type Kind string

// The kinds of parameters. A value of KindText is one part of a topic. A value of KindInt is a
// whole number; one below zero has a minus sign. A value of KindUUID is a UUID, with or without its hyphens.
const (
	KindText Kind = "text"
	KindInt  Kind = "int"
	KindUUID Kind = "uuid"
)

// Kinds are all kinds of parameters.
func Kinds() []Kind { return []Kind{KindInt, KindUUID, KindText} }

// Parameter is a named place in a pattern.
type Parameter struct {
	Name string // letters, digits and _, so that SQL can name it behind an @
	Kind Kind
}

// Pattern is a topic, or the path of a URL, with parameters, such as room/{room_id:int}. The zero
// Pattern matches nothing.
type Pattern struct {
	text  string
	parts []part
}

// part stands between two slashes. It is a parameter if the parameter has a name, else a literal.
type part struct {
	literal   string
	parameter Parameter
}

func (a part) isLiteral() bool { return a.parameter.Name == "" }

// ParsePattern reads a topic with parameters: {name:int}, {name:uuid}, or {name} for text.
func ParsePattern(text string) (Pattern, error) {
	p := Pattern{text: text}
	for word := range strings.SplitSeq(text, "/") {
		next, err := parsePart(word)
		if err != nil {
			return Pattern{}, fmt.Errorf("%q %w", text, err)
		}
		if !next.isLiteral() && p.Has(next.parameter.Name) {
			return Pattern{}, fmt.Errorf("%q has the parameter %s twice", text, next.parameter.Name)
		}
		p.parts = append(p.parts, next)
	}
	return p, nil
}

// ParsePathPattern reads the path of a URL with parameters. The path begins with a slash. A slash
// at its end makes no difference.
func ParsePathPattern(text string) (Pattern, error) {
	rest, rooted := strings.CutPrefix(text, "/")
	if !rooted {
		return Pattern{}, fmt.Errorf("%q is no path: begin with a slash, such as /ws/room/{room_id:int}", text)
	}
	p, err := ParsePattern(strings.TrimSuffix(rest, "/"))
	p.text = text
	return p, err
}

// parsePart reads what stands between two slashes. Its errors continue a sentence that begins with
// the pattern.
func parsePart(word string) (part, error) {
	inner, open := strings.CutPrefix(word, "{")
	inner, shut := strings.CutSuffix(inner, "}")
	switch {
	case open && shut:
		return parseParameter(inner)
	case word == "":
		return part{}, errors.New("has an empty part: write parts between single slashes, none at the ends")
	case strings.ContainsAny(word, "{}"):
		return part{}, fmt.Errorf("has a part %q that is neither plain nor {name}, {name:int} or {name:uuid}", word)
	case !validPart(word) || len(word) > MaxBytes:
		return part{}, fmt.Errorf("has a part %q: %w", word, ErrInvalid)
	}
	return part{literal: word}, nil
}

// parseParameter reads the text between braces.
func parseParameter(text string) (part, error) {
	name, kind, typed := strings.Cut(text, ":")
	if !typed {
		kind = string(KindText)
	}
	switch {
	case !validParameterName(name):
		return part{}, fmt.Errorf("has a parameter %q: write its name with letters, digits and _, not beginning with a digit", name)
	case !slices.Contains(Kinds(), Kind(kind)):
		return part{}, fmt.Errorf("has a parameter %s of type %q, which is none of int, uuid and text", name, kind)
	}
	return part{parameter: Parameter{name, Kind(kind)}}, nil
}

// validParameterName reports whether SQL can name the parameter behind an @. Bytes of letters outside
// ASCII are allowed: parameters may be called as columns are.
func validParameterName(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// String is the pattern as it was written.
func (p Pattern) String() string { return p.text }

// Has reports whether the pattern has a parameter of this name.
func (p Pattern) Has(name string) bool {
	return slices.ContainsFunc(p.parts, func(own part) bool { return !own.isLiteral() && own.parameter.Name == name })
}

// Parameters returns the pattern's parameters in their order.
func (p Pattern) Parameters() []Parameter {
	var found []Parameter
	for _, own := range p.parts {
		if !own.isLiteral() {
			found = append(found, own.parameter)
		}
	}
	return found
}

// WithKind returns a copy of the pattern in which the parameter of this name, if there is one, has
// another kind.
func (p Pattern) WithKind(name string, kind Kind) Pattern {
	p.parts = slices.Clone(p.parts)
	for i, own := range p.parts {
		if !own.isLiteral() && own.parameter.Name == name {
			p.parts[i].parameter.Kind = kind
		}
	}
	return p
}

// Match finds the values of the parameters in a topic's name, in their order and each in its one
// spelling: an int has no leading zeros and no sign but that of a number below zero, a UUID has small letters and hyphens, and a text is as Segment
// writes it. Match does not check whether an int is within the range of any type.
func (p Pattern) Match(name string) (values []string, ok bool) {
	rest, more := name, true
	for _, own := range p.parts {
		if !more {
			return nil, false
		}
		var word string
		word, rest, more = strings.Cut(rest, "/")
		if own.isLiteral() {
			if word != own.literal {
				return nil, false
			}
			continue
		}
		value, ok := own.parameter.Kind.Spell(word)
		if !ok {
			return nil, false
		}
		values = append(values, value)
	}
	return values, !more
}

// MatchPath is Match for the path of a URL, as it is sent: not decoded. A slash at its end makes no
// difference.
func (p Pattern) MatchPath(path string) (values []string, ok bool) {
	rest, rooted := strings.CutPrefix(path, "/")
	if !rooted {
		return nil, false
	}
	return p.Match(strings.TrimSuffix(rest, "/"))
}

// Spell brings a value to its one spelling. It reports false if the kind has no such value.
func (k Kind) Spell(word string) (string, bool) {
	switch k {
	case KindInt:
		return spellInt(word)
	case KindUUID:
		return spellUUID(word)
	}
	return word, len(word) <= MaxBytes && validPart(word)
}

// spellInt writes a number without leading zeros, and zero without a sign.
func spellInt(word string) (string, bool) {
	digits, negative := strings.CutPrefix(word, "-")
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return "", false
		}
	}
	trimmed := strings.TrimLeft(digits, "0")
	switch {
	case digits == "":
		return "", false
	case trimmed == "":
		return "0", true
	case negative:
		return "-" + trimmed, true
	}
	return trimmed, true
}

// hyphens are the places of the hyphens in a UUID.
var hyphens = [...]int{8, 13, 18, 23}

func spellUUID(word string) (string, bool) {
	word = strings.ToLower(word)
	if len(word) == 32 {
		word = strings.Join([]string{word[:8], word[8:12], word[12:16], word[16:20], word[20:]}, "-")
	}
	if len(word) != 36 {
		return "", false
	}
	for i := range len(word) {
		c := word[i]
		hyphen := slices.Contains(hyphens[:], i)
		digit := '0' <= c && c <= '9' || 'a' <= c && c <= 'f'
		if hyphen != (c == '-') || !hyphen && !digit {
			return "", false
		}
	}
	return word, true
}

// Expand returns the pattern with each parameter replaced by its value, which is a part of a topic.
func (p Pattern) Expand(value func(name string) string) string {
	words := make([]string, len(p.parts))
	for i, own := range p.parts {
		words[i] = own.literal
		if !own.isLiteral() {
			words[i] = value(own.parameter.Name)
		}
	}
	return strings.Join(words, "/")
}

// Overlaps reports whether some name could match both patterns. The configuration refuses two such
// rules, because nothing would say which of the two decides.
func (p Pattern) Overlaps(q Pattern) bool {
	if len(p.parts) != len(q.parts) || len(p.parts) == 0 {
		return false
	}
	for i := range p.parts {
		if !p.parts[i].overlaps(q.parts[i]) {
			return false
		}
	}
	return true
}

// Resembles reports whether some name matches both patterns whatever the kinds of their parameters are.
func (p Pattern) Resembles(q Pattern) bool {
	return len(p.parts) == len(q.parts) && len(p.parts) > 0 && slices.EqualFunc(p.parts, q.parts, func(a, b part) bool {
		return a.isLiteral() == b.isLiteral() && a.literal == b.literal
	})
}

// MayCover reports whether some topic of p could be a topic of q, or one above it.
func (p Pattern) MayCover(q Pattern) bool {
	if len(p.parts) > len(q.parts) {
		return false
	}
	return p.Overlaps(Pattern{parts: q.parts[:len(p.parts)]})
}

func (a part) overlaps(b part) bool {
	switch {
	case a.isLiteral() && b.isLiteral():
		return a.literal == b.literal
	case a.isLiteral():
		_, ok := b.parameter.Kind.Spell(a.literal)
		return ok
	case b.isLiteral():
		return b.overlaps(a)
	}
	return true
}
