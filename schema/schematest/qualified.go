package schematest

import (
	"regexp"
	"slices"
	"strings"
)

// Unqualified returns what the body of a PL/pgSQL function leaves to the caller's search_path:
// functions, operators, types, tables and collations that no schema is given for, and forms that
// look an operator up by its name, such as IN. It errs on the side of too much.
func Unqualified(body string) []string {
	var found []string
	tokens := sqlToken.FindAllString(withoutComments.ReplaceAllString(body, " "), -1)
	for i := range tokens {
		if problem := at(tokens, i).problem(); problem != "" {
			found = append(found, problem)
		}
	}
	return found
}

var (
	withoutComments = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/`)
	sqlToken        = regexp.MustCompile(`[eE]?'(?:[^']|'')*'|"[^"]*"|[A-Za-z_][A-Za-z0-9_$]*|[0-9.]+|:=|::|=>|[-+*/<>=~!@#%^&|?` + "`" + `]+|.`)
	word            = regexp.MustCompile(`^(?:[A-Za-z_"].*)$`)
	operator        = regexp.MustCompile(`^[-+*/<>=~!@#%^&|?` + "`" + `]+$`)
)

// The words before a parenthesis that are no functions, those that the parser itself gives a meaning,
// the types that it finds in pg_catalog alone, and those that look up an operator.
var (
	noFunctions  = strings.Fields(`and or not when if elsif then else case values row coalesce greatest least return exists array as on over filter conflict lateral from join`)
	keywordTypes = strings.Fields(`boolean integer int bigint smallint real numeric decimal interval timestamp time bit`)
	hiddenLookup = strings.Fields(`between like ilike similar nullif distinct overlaps`)
	beforeTables = strings.Fields(`from into join update`)
	transitions  = strings.Fields(`old_rows new_rows`) // transition tables, which come before those of the search path
)

// tokenContext is a token with those around it. Tokens of white space are left out.
type tokenContext struct{ before, token, after, later string }

func at(tokens []string, i int) tokenContext {
	next := func(from, step int) (string, int) {
		for j := from + step; j >= 0 && j < len(tokens); j += step {
			if strings.TrimSpace(tokens[j]) != "" {
				return strings.ToLower(tokens[j]), j
			}
		}
		return "", len(tokens)
	}
	before, _ := next(i, -1)
	after, j := next(i, 1)
	later, _ := next(j, 1)
	return tokenContext{before, strings.ToLower(tokens[i]), after, later}
}

func (c tokenContext) problem() string {
	switch {
	case strings.HasPrefix(c.token, "'"), strings.HasPrefix(c.token, "e'"), strings.TrimSpace(c.token) == "":
		return ""
	case operator.MatchString(c.token):
		return c.bareOperator()
	case c.token == "::" && !slices.Contains(keywordTypes, c.after) && c.later != ".":
		return "type " + c.after
	case !word.MatchString(c.token) || c.before == ".":
		return ""
	case slices.Contains(hiddenLookup, c.token), c.token == "in" && c.after == "(", c.token == "case" && c.after != "when":
		return "operator of " + c.token
	case c.token == "collate" && c.later != ".":
		return "collation " + c.after
	case slices.Contains(beforeTables, c.token) && word.MatchString(c.after) && c.later != "." && c.after != "lateral" && !slices.Contains(transitions, c.after):
		return "table " + c.after
	case c.after == "(" && c.before != "as" && !slices.Contains(noFunctions, c.token) && c.token != "operator":
		return "function " + c.token
	}
	return c.bareType()
}

// bareOperator leaves out operators that have a schema, and the star of SELECT * and count(*).
func (c tokenContext) bareOperator() string {
	if c.before == "." || c.token == "=>" || c.token == "*" && (c.after == ")" || c.after == "from") {
		return ""
	}
	return "operator " + c.token
}

// bareType finds the type in a declaration: a name, a type and then := or a semicolon.
func (c tokenContext) bareType() string {
	ends := c.after == ":=" || c.after == ";" || c.after == "[" && c.later == "]"
	if !ends || !word.MatchString(c.before) || slices.Contains(statementWords, c.before) || slices.Contains(keywordTypes, c.token) ||
		slices.Contains(statementWords, c.token) {
		return ""
	}
	return "type " + c.token
}

// statementWords are the words of PL/pgSQL that stand next to a semicolon or to an assignment.
var statementWords = strings.Fields(`diagnostics return end begin exit continue declare then else loop if null is not and or perform raise when case`)
