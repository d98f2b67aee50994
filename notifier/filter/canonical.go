package filter

import (
	"slices"
	"strconv"
	"strings"
)

// simplify brings a condition to its one form: what equal conditions differ in is the order and the nesting of their parts.
func simplify(b bound) bound {
	if b.logic == isTest {
		if b.test == "in" && len(b.values) == 1 {
			b.test = "eq"
		}
		return b
	}
	inner := b.logic
	if inner == noneOf { // none of them: not any of them
		inner = anyOf
	}
	var parts []bound
	for _, part := range b.parts {
		part = simplify(part)
		if part.logic == inner {
			parts = append(parts, part.parts...)
			continue
		}
		parts = append(parts, part)
	}
	slices.SortFunc(parts, func(x, y bound) int { return strings.Compare(x.spell(), y.spell()) })
	b.parts = slices.CompactFunc(parts, func(x, y bound) bool { return x.spell() == y.spell() })
	if len(b.parts) == 1 && b.logic != noneOf {
		return b.parts[0]
	}
	return b
}

// spell writes a condition in its one form.
func (b bound) spell() string {
	if b.logic != isTest {
		words := make([]string, len(b.parts))
		for i, part := range b.parts {
			words[i] = part.spell()
		}
		return logicNames[b.logic] + "(" + strings.Join(words, ",") + ")"
	}
	words := []string{b.test, strconv.Quote(b.column.Name)}
	switch b.test {
	case "is":
		words = append(words, b.want)
	case "like", "prefix":
		words[0] = "like"
		words = append(words, strconv.Quote(b.pattern.text))
	}
	for _, v := range b.values {
		words = append(words, strconv.Quote(b.column.write(v)))
	}
	return strings.Join(words, " ")
}

var logicNames = map[logic]string{allOf: "and", anyOf: "or", noneOf: "not"}
