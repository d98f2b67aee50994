package config

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong in the configuration.
type Problem struct {
	Key    string // key path, such as topics[2].allow; the file's name when the file cannot be read as YAML
	Source string // the environment variable or flag the value came from; empty for the file
	Text   string // what is wrong, and what to do
}

// String is the problem as one line.
func (p Problem) String() string {
	if p.Source == "" {
		return p.Key + ": " + p.Text
	}
	return p.Key + " (" + p.Source + "): " + p.Text
}

// Problems is everything that is wrong, as one error.
type Problems []Problem

// Error lists all problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, 0, len(p)+1)
	lines = append(lines, "the configuration is not valid:")
	for _, problem := range p {
		lines = append(lines, "  "+problem.String())
	}
	return strings.Join(lines, "\n")
}

// add records a problem. The first one of a key stays alone, for the key and all below it: what
// follows from it would only confuse.
func (p *Problems) add(key, format string, args ...any) {
	if !slices.ContainsFunc(*p, func(known Problem) bool { return known.covers(key) }) {
		*p = append(*p, Problem{Key: key, Text: fmt.Sprintf(format, args...)})
	}
}

// covers reports whether key is the problem's own or lies below it.
func (p Problem) covers(key string) bool {
	rest, found := strings.CutPrefix(key, p.Key)
	return found && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// require records a problem unless ok.
func (p *Problems) require(ok bool, key, format string, args ...any) {
	if !ok {
		p.add(key, format, args...)
	}
}
