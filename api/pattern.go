package api

import (
	"fmt"
	"strings"

	"rowcall/notifier"
)

// kind is the type of a parameter.
type kind string

// The kinds of parameters: text is one part of a topic, int a whole number without a sign.
const (
	kindText kind = "text"
	kindInt  kind = "int"
)

// pattern is a topic or a path with parameters, such as room/{room_id:int}.
type pattern struct {
	text  string
	parts []part
}

// part is what stands between two slashes: a literal, or a parameter when it has a name.
type part struct {
	literal string
	name    string
	kind    kind
}

// compilePattern reads a topic with parameters: {name:int}, or {name} for text.
func compilePattern(text string) (pattern, error) {
	p := pattern{text: text}
	for word := range strings.SplitSeq(text, "/") {
		next, err := compilePart(word)
		if err != nil {
			return pattern{}, fmt.Errorf("%q: %w", text, err)
		}
		if next.name != "" && p.has(next.name) {
			return pattern{}, fmt.Errorf("%q: parameter %s stands twice", text, next.name)
		}
		p.parts = append(p.parts, next)
	}
	return p, nil
}

// compilePath reads a path with parameters. It begins with a slash and may end with one; both
// spellings mean the same.
func compilePath(text string) (pattern, error) {
	rest, rooted := strings.CutPrefix(text, "/")
	if !rooted {
		return pattern{}, fmt.Errorf("%q: a path begins with a slash", text)
	}
	p, err := compilePattern(strings.TrimSuffix(rest, "/"))
	p.text = text
	return p, err
}

func compilePart(word string) (part, error) {
	inner, open := strings.CutPrefix(word, "{")
	inner, shut := strings.CutSuffix(inner, "}")
	if !open && !shut {
		if _, err := notifier.ParseTopic(word); err != nil {
			return part{}, fmt.Errorf("part %q: %w", word, err)
		}
		return part{literal: word}, nil
	}
	name, k, typed := strings.Cut(inner, ":")
	if !typed {
		k = string(kindText)
	}
	switch {
	case !open || !shut || !validName(name):
		return part{}, fmt.Errorf("part %q is neither plain nor {name} nor {name:int}", word)
	case k != string(kindText) && k != string(kindInt):
		return part{}, fmt.Errorf("parameter %s: type %q is neither int nor text", name, k)
	}
	return part{name: name, kind: kind(k)}, nil
}

// validName reports whether a parameter's name can stand in SQL behind an @.
func validName(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// has reports whether the pattern has a parameter of this name.
func (p pattern) has(name string) bool {
	for _, own := range p.parts {
		if own.name == name && name != "" {
			return true
		}
	}
	return false
}

// params are the pattern's parameters in their order.
func (p pattern) params() []part {
	var found []part
	for _, own := range p.parts {
		if own.name != "" {
			found = append(found, own)
		}
	}
	return found
}

// match finds the values of the parameters in a name, each in its one spelling: leading zeros of
// an int are gone. Whether an int is within range is for its reader to say.
func (p pattern) match(name string) (values []string, ok bool) {
	rest, more := name, true
	for _, own := range p.parts {
		if !more {
			return nil, false
		}
		var word string
		word, rest, more = strings.Cut(rest, "/")
		switch {
		case own.name == "" && word != own.literal:
			return nil, false
		case own.name != "":
			value, ok := own.kind.spell(word)
			if !ok {
				return nil, false
			}
			values = append(values, value)
		}
	}
	return values, !more
}

// matchPath is match for the path of a URL, with or without a slash at its end.
func (p pattern) matchPath(path string) (values []string, ok bool) {
	rest, rooted := strings.CutPrefix(path, "/")
	if !rooted {
		return nil, false
	}
	return p.match(strings.TrimSuffix(rest, "/"))
}

// spell brings a value to its one spelling.
func (k kind) spell(word string) (string, bool) {
	if k == kindInt {
		return spellInt(word)
	}
	_, err := notifier.ParseTopic(word)
	return word, err == nil && !strings.Contains(word, "/")
}

func spellInt(word string) (string, bool) {
	for i := range len(word) {
		if word[i] < '0' || word[i] > '9' {
			return "", false
		}
	}
	trimmed := strings.TrimLeft(word, "0")
	if trimmed == "" && word != "" {
		trimmed = "0"
	}
	return trimmed, word != ""
}

// expand fills in the parameters.
func (p pattern) expand(value func(name string) string) string {
	words := make([]string, len(p.parts))
	for i, own := range p.parts {
		words[i] = own.literal
		if own.name != "" {
			words[i] = value(own.name)
		}
	}
	return strings.Join(words, "/")
}

// overlaps reports whether some name could match both patterns. Which of them would decide who
// may follow is then anybody's guess, so that configuration is refused.
func (p pattern) overlaps(q pattern) bool {
	if len(p.parts) != len(q.parts) {
		return false
	}
	for i := range p.parts {
		if !p.parts[i].overlaps(q.parts[i]) {
			return false
		}
	}
	return true
}

func (a part) overlaps(b part) bool {
	switch {
	case a.name == "" && b.name == "":
		return a.literal == b.literal
	case a.name == "":
		_, ok := b.kind.spell(a.literal)
		return ok
	case b.name == "":
		return b.overlaps(a)
	}
	return true
}
