package config

import (
	"fmt"
	"maps"
	"os"
	"reflect"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"rowcall/config/rules"
)

// Sources are where settings come from. With the zero Sources, Load returns the defaults.
type Sources struct {
	Flags       *pflag.FlagSet    // the flags of AddFlags; only flags that were set count
	Environment map[string]string // the variables by name; empty ones count as not set
	Default     []byte            // YAML to read if neither --config nor ROWCALL_CONFIG names a file
}

// Load merges the sources and checks the result. The error is a rules.Problems if settings are wrong.
func Load(s Sources) (*Config, error) {
	if s.Flags == nil {
		s.Flags = pflag.NewFlagSet("none", pflag.ContinueOnError)
	}
	text, name, err := s.file()
	if err != nil {
		return nil, err
	}
	return s.read(text, name)
}

// Path returns the name of the configuration file; empty if neither --config nor ROWCALL_CONFIG names one.
func (s Sources) Path() string {
	if s.Flags != nil {
		if flag := s.Flags.Lookup(flagConfig); flag != nil && flag.Changed {
			return flag.Value.String()
		}
	}
	return s.Environment[envConfig]
}

// file returns the text of the configuration file, and its name in messages.
func (s Sources) file() ([]byte, string, error) {
	path := s.Path()
	if path == "" {
		return s.Default, "the built-in configuration", nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, "", fmt.Errorf("reading the configuration: %w", err)
	}
	return text, path, nil
}

// read makes a Config of the text of a file and of the other sources.
func (s Sources) read(text []byte, name string) (*Config, error) {
	tree, err := parseYAML(text)
	if err != nil {
		return nil, rules.Problems{{Key: name, Text: err.Error()}}
	}
	var problems rules.Problems
	tree = siftSection(tree, reflect.TypeFor[Config](), "", &problems)
	origins, merged := s.merge(tree, &problems)
	c := Default()
	if err := decode(merged, &c, &problems); err != nil {
		return nil, err
	}
	c.check(&problems)
	if len(problems) > 0 {
		return nil, nameSources(problems, origins)
	}
	return &c, nil
}

// merge lets viper decide between file, environment and flags. It returns the source of each value
// that came from one of the latter two, by its key path.
//
// The lists of rules go around viper. They come from the file alone, and viper would change what
// they say: it lower-cases the keys of the objects within them.
func (s Sources) merge(tree map[string]any, problems *rules.Problems) (map[string]string, map[string]any) {
	v := viper.New()
	lists := takeLists(tree)
	environment := fromEnvironment(s.Environment, problems)
	// Neither merge can fail: both are of maps that are known to fit.
	_ = v.MergeConfigMap(tree)
	_ = v.MergeConfigMap(nestValues(environment))
	origins := map[string]string{}
	for key, value := range environment {
		origins[key] = value.source
	}
	for name, key := range flagKeys() {
		if flag := s.Flags.Lookup(name); flag != nil && flag.Changed {
			_ = v.BindPFlag(key, flag) // fails for a nil flag only
			origins[key] = "--" + name
		}
	}
	merged := v.AllSettings()
	maps.Copy(merged, lists)
	return origins, merged
}

// takeLists removes the lists of sections from the tree of a file and returns them.
func takeLists(tree map[string]any) map[string]any {
	lists := map[string]any{}
	for field := range reflect.TypeFor[Config]().Fields() {
		key := fieldName(field)
		if list, given := tree[key]; given && isSectionList(field.Type) {
			lists[key] = list
			delete(tree, key)
		}
	}
	return lists
}

// nameSources adds to each problem the variable or flag that its value came from.
func nameSources(problems rules.Problems, origins map[string]string) rules.Problems {
	for i, problem := range problems {
		problems[i].Source = origins[problem.Key]
	}
	return problems
}
