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
	noFunctions  = strings.Fields(`and or not when if elsif then else case values row coalesce greatest least return exists array as on over filter conflict`)
	keywordTypes = strings.Fields(`boolean integer int bigint smallint real numeric decimal interval timestamp time bit`)
	hiddenLookup = strings.Fields(`between like ilike similar nullif distinct overlaps`)
	beforeTables = strings.Fields(`from into join update`)
)

// place is a token with those around it. Tokens of white space are left out.
type place struct{ before, token, after, later string }

func at(tokens []string, i int) place {
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
	return place{before, strings.ToLower(tokens[i]), after, later}
}

func (p place) problem() string {
	switch {
	case strings.HasPrefix(p.token, "'"), strings.HasPrefix(p.token, "e'"), strings.TrimSpace(p.token) == "":
		return ""
	case operator.MatchString(p.token):
		return p.bareOperator()
	case p.token == "::" && !slices.Contains(keywordTypes, p.after) && p.later != ".":
		return "type " + p.after
	case !word.MatchString(p.token) || p.before == ".":
		return ""
	case slices.Contains(hiddenLookup, p.token), p.token == "in" && p.after == "(", p.token == "case" && p.after != "when":
		return "operator of " + p.token
	case p.token == "collate" && p.later != ".":
		return "collation " + p.after
	case slices.Contains(beforeTables, p.token) && word.MatchString(p.after) && p.later != ".":
		return "table " + p.after
	case p.after == "(" && !slices.Contains(noFunctions, p.token) && p.token != "operator":
		return "function " + p.token
	}
	return p.bareType()
}

// bareOperator leaves out operators that have a schema, and the star of SELECT * and count(*).
func (p place) bareOperator() string {
	if p.before == "." || p.token == "=>" || p.token == "*" && (p.after == ")" || p.after == "from") {
		return ""
	}
	return "operator " + p.token
}

// bareType finds the type in a declaration: a name, a type and then := or a semicolon.
func (p place) bareType() string {
	ends := p.after == ":=" || p.after == ";" || p.after == "[" && p.later == "]"
	if !ends || !word.MatchString(p.before) || slices.Contains(statementWords, p.before) || slices.Contains(keywordTypes, p.token) ||
		slices.Contains(statementWords, p.token) {
		return ""
	}
	return "type " + p.token
}

// statementWords are the words of PL/pgSQL that stand next to a semicolon or to an assignment.
var statementWords = strings.Fields(`return end begin exit continue declare then else loop if null is not and or perform raise when case`)
