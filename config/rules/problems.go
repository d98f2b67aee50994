package rules

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong in the configuration.
type Problem struct {
	Key    string // key path, such as topics[2].allow; the file's name if the file is not YAML
	Source string // the environment variable or flag that the value came from; empty for the file
	Text   string // what is wrong, and what to do
	Cause  error  // the error that Text was made of, where a program has to tell it apart; else nil
}

// String is the problem as one line.
func (p Problem) String() string {
	if p.Source == "" {
		return p.Key + ": " + p.Text
	}
	return p.Key + " (" + p.Source + "): " + p.Text
}

// covers reports whether key is the problem's own or lies below it.
func (p Problem) covers(key string) bool {
	rest, found := strings.CutPrefix(key, p.Key)
	return found && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// Problems is everything that is wrong, as one error. The checks of this package add to it, and so
// do the packages that check the same rules against the database. The zero Problems is empty.
type Problems []Problem

// Error lists all problems, one per line.
func (p Problems) Error() string { return p.Below("the configuration is not valid:") }

// Below lists all problems below a heading, one per line.
func (p Problems) Below(heading string) string {
	lines := make([]string, 0, len(p)+1)
	lines = append(lines, heading)
	for _, problem := range p {
		lines = append(lines, "  "+problem.String())
	}
	return strings.Join(lines, "\n")
}

// Err returns the problems as an error, or nil if there are none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// Add records a problem. If the key, or a key above it, has a problem already, Add records nothing:
// what follows from the first problem would only confuse.
func (p *Problems) Add(key, format string, args ...any) {
	if !p.Has(key) {
		*p = append(*p, Problem{Key: key, Text: fmt.Sprintf(format, args...)})
	}
}

// Has reports whether the key, or a key above it, has a problem.
func (p *Problems) Has(key string) bool {
	return slices.ContainsFunc(*p, func(known Problem) bool { return known.covers(key) })
}

// AddError records the text of an error as a problem. It records nothing if err is nil.
func (p *Problems) AddError(key string, err error) {
	if err != nil {
		p.Add(key, "%v", err)
	}
}

// Require records a problem unless ok.
func (p *Problems) Require(ok bool, key, format string, args ...any) {
	if !ok {
		p.Add(key, format, args...)
	}
}

// RequireOneOf records a problem unless the value is one of a few words.
func (p *Problems) RequireOneOf(key, value string, words ...string) {
	p.Require(slices.Contains(words, value), key, "%q is not one of %s", value, strings.Join(words, ", "))
}

// Entry is the key path of an entry of a list, such as topics[2].
func Entry(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }
