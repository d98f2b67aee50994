package config

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"rowcall/config/rules"
)

// misspelledDistance is how many letters of a variable's name may be wrong for it to be taken as a
// setting that is misspelled.
const misspelledDistance = 2

// sectionDistance is the distance of a name that lacks only the section: ROWCALL_ADDR. It is not taken as
// misspelled, since such names are short enough to belong to another program.
const sectionDistance = misspelledDistance + 1

// refuseMisspelled reports variables that are nearly called as a setting: ignoring them would leave the
// setting at its default, and nobody would know.
func refuseMisspelled(environment map[string]string, problems *rules.Problems) {
	for _, name := range variablesWithoutSetting(environment) {
		if nearest := NearestVariable(name); distance(strings.ToUpper(name), nearest) <= misspelledDistance {
			problems.Add(name, "there is no such setting: did you mean %s?", nearest)
		}
	}
}

// UnknownVariables returns, sorted, the variables that begin with ROWCALL_ and belong to no setting. It leaves
// out misspelled names, which Load refuses: the rest may belong to another program.
func UnknownVariables(environment map[string]string) []string {
	return slices.DeleteFunc(variablesWithoutSetting(environment), func(name string) bool {
		return distance(strings.ToUpper(name), NearestVariable(name)) <= misspelledDistance
	})
}

// NearestVariable returns the variable of a setting whose name is most like the given one.
func NearestVariable(name string) string {
	capitals := strings.ToUpper(name)
	return slices.MinFunc(knownVariables(), func(a, b string) int { return distance(capitals, a) - distance(capitals, b) })
}

// distance is how far a name is from that of a setting's variable: the letters that are wrong, but less if
// the name lacks the section, or ends in a longer or shorter form of the last word, as ROWCALL_HTTP_ADDRESS.
func distance(name, known string) int {
	wrong := editDistance(name, known)
	switch {
	case isLongerForm(name, known) || isLongerForm(known, name):
		return min(wrong, misspelledDistance)
	case strings.HasSuffix(known, "_"+strings.TrimPrefix(name, envPrefix)):
		return min(wrong, sectionDistance)
	}
	return wrong
}

// shortestWord is how many letters the shorter of two forms of a word has at least.
const shortestWord = 3

// isLongerForm reports whether a name is another name whose last word goes on: ADDRESS for ADDR.
func isLongerForm(long, short string) bool {
	more, ok := strings.CutPrefix(long, short)
	word := short[strings.LastIndexByte(short, '_')+1:]
	return ok && !strings.Contains(more, "_") && len(word) >= shortestWord
}

func variablesWithoutSetting(environment map[string]string) []string {
	known := knownVariables()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(environment)), func(name string) bool {
		ours := strings.HasPrefix(strings.ToUpper(name), envPrefix) && environment[name] != ""
		return !ours || slices.Contains(known, name) || isForAnotherProgram(name, environment[name])
	})
}

// knownVariables returns the names of all variables that Rowcall reads.
func knownVariables() []string {
	names := []string{envConfig, envPrefix + "DATA_DIR", envPrefix + "PG_BIN"}
	for _, key := range valueKeys(reflect.TypeFor[Config](), "") {
		names = append(names, envName(key))
	}
	for _, key := range secretKeys() {
		names = append(names, envName(key)+envFileSuffix)
	}
	return names
}

// serviceVariable matches variables that Kubernetes and Docker set for a service called rowcall.
var serviceVariable = regexp.MustCompile(`^ROWCALL_(SERVICE_(HOST|PORT)|PORT_[0-9]+_(TCP|UDP|SCTP))`)

// isForAnotherProgram reports whether a variable is not meant for Rowcall: it is one of those for a service of this
// name, or of the tests.
func isForAnotherProgram(name, value string) bool {
	return serviceVariable.MatchString(name) || name == envPrefix+"PORT" && strings.Contains(value, "://") ||
		strings.HasPrefix(name, envPrefix+"TEST_") || strings.HasPrefix(name, envPrefix+"NODE_PROCESS_") || name == envPrefix+"PGBOUNCER"
}

// editDistance is how many letters must be inserted, removed or replaced to make one text of another
// (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
