package api

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// PostgreSQL keeps defaults and checks as expressions, and writes them in one way: a constant with casts and
// parentheses around it, and a list of values as column = ANY (ARRAY[...]). What is written in any other way
// is not understood, and nothing is said of it.

const constantForm = `(?:'(?:[^']|'')*'|-?[0-9]+(?:\.[0-9]+)?|true|false)`

var (
	constantAlone = regexp.MustCompile(`^\(*(` + constantForm + `)\)*(?:::[a-z ]+(?:\([0-9, ]+\))?\)*)*$`)
	constantIn    = regexp.MustCompile(`^\(?(` + constantForm + `)\)?(?:::[a-z ]+(?:\([0-9, ]+\))?)?(?:, |$)`)
	comparedWith  = regexp.MustCompile(`^\(*(.+?)\)*(?:::[a-z ]+\)*)?$`)
	listOfValues  = regexp.MustCompile(`^\(+ARRAY\[(.*?)\](?:\)|::[a-z ]+\[\])*$`)
)

// defaultOf is a default that is a constant, for a form to begin with; nil where it is none or unknown.
func (r *resource) defaultOf(c *column) any {
	if found := constantAlone.FindStringSubmatch(r.details[c.Name].Default); found != nil {
		return c.constant(found[1])
	}
	return nil
}

// choicesOf are the only values that a column may have: the labels of an enum, or what a check lists.
func (r *resource) choicesOf(c *column) []any {
	var choices []any
	for _, label := range c.Labels {
		choices = append(choices, label)
	}
	for _, check := range r.details[c.Name].Checks {
		if choices == nil {
			choices = c.listedIn(check)
		}
	}
	return choices
}

// listedIn reads a check that says nothing but which values there are.
func (c *column) listedIn(check string) []any {
	left, right, ok := strings.Cut(check, " = ANY ")
	compared, list := comparedWith.FindStringSubmatch(left), listOfValues.FindStringSubmatch(right)
	if !ok || compared == nil || list == nil || !slices.Contains([]string{c.Ident, "VALUE"}, compared[1]) {
		return nil
	}
	var values []any
	for rest := list[1]; rest != ""; {
		one := constantIn.FindStringSubmatch(rest)
		if one == nil {
			return nil
		}
		value := c.constant(one[1])
		if value == nil {
			return nil
		}
		values, rest = append(values, value), rest[len(one[0]):]
	}
	return values
}

// constant is a literal as rows have such values; nil where that is not known.
func (c *column) constant(literal string) any {
	text, quoted := strings.CutPrefix(literal, "'")
	if quoted {
		text = strings.ReplaceAll(strings.TrimSuffix(text, "'"), "''", "'")
	}
	switch c.kind {
	case valueText, valueEnum, valueUUID:
		if quoted {
			return text
		}
	case valueBool:
		if text == "true" || text == "false" {
			return text == "true"
		}
	case valueWhole, valueFloat, valueNumeric:
		if json.Valid([]byte(text)) && strings.Trim(text, "-.0123456789") == "" {
			return json.Number(text)
		}
	}
	return nil
}
