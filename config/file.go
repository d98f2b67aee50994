package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"rowcall/config/rules"
)

// parse reads YAML into maps whose keys are as they were written.
func parse(text []byte) (map[string]any, error) {
	var tree map[string]any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	return tree, nil
}

// sift keeps of a section what the configuration has a place for and reports the rest. Keys
// without a value are dropped, so that they mean the default.
func sift(tree map[string]any, section reflect.Type, path string, problems *rules.Problems) map[string]any {
	kept := make(map[string]any, len(tree))
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		key, value := join(path, name), tree[name]
		field, known := fieldOf(section, name)
		if !known {
			problems.Add(key, "unknown key; known here: %s", strings.Join(fieldNames(section), ", "))
			continue
		}
		if fitting, ok := siftValue(value, field.Type, key, problems); ok {
			kept[name] = fitting
		}
	}
	return kept
}

// siftValue reports whether a value has the shape its place asks for, and keeps what fits of it.
func siftValue(value any, t reflect.Type, key string, problems *rules.Problems) (any, bool) {
	switch {
	case value == nil:
		return nil, false
	case isSection(t):
		tree, ok := value.(map[string]any)
		problems.Require(ok, key, "is a section: write its keys below it, indented (%s)", strings.Join(fieldNames(t), ", "))
		return sift(tree, t, key, problems), ok
	case isSectionList(t):
		list, ok := value.([]any)
		problems.Require(ok, key, "is a list: begin each entry with a dash")
		return siftList(list, t.Elem(), key, problems), ok
	}
	return value, true
}

// siftList sifts each entry. An entry of another shape is reported and stays as an empty one, so
// that the entries behind it keep their places.
func siftList(list []any, section reflect.Type, key string, problems *rules.Problems) []any {
	kept := make([]any, len(list))
	for i, entry := range list {
		fitting, ok := siftValue(entry, section, fmt.Sprintf("%s[%d]", key, i), problems)
		if !ok {
			fitting = map[string]any{}
		}
		kept[i] = fitting
	}
	return kept
}
