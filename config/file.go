package config

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"rowcall/config/rules"
)

// parseYAML reads YAML into maps. It leaves the keys as they are written.
func parseYAML(text []byte) (map[string]any, error) {
	var tree map[string]any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	return tree, nil
}

// siftSection returns the known keys of a section and reports the others. It drops keys without a
// value, so that they get the default.
func siftSection(tree map[string]any, section reflect.Type, path string, problems *rules.Problems) map[string]any {
	kept := make(map[string]any, len(tree))
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		key, value := joinKey(path, name), tree[name]
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

// siftValue returns the known keys of a value. It reports false for a value of another shape: a
// section, a list of sections, or neither.
func siftValue(value any, t reflect.Type, key string, problems *rules.Problems) (any, bool) {
	switch {
	case value == nil:
		return nil, false
	case isSection(t):
		tree, ok := value.(map[string]any)
		problems.Require(ok, key, "is a section: write its keys below it, indented (%s)", strings.Join(fieldNames(t), ", "))
		return siftSection(tree, t, key, problems), ok
	case isSectionList(t):
		list, ok := value.([]any)
		problems.Require(ok, key, "is a list: begin each entry with a dash")
		return siftList(list, t.Elem(), key, problems), ok
	}
	return value, true
}

// siftList sifts each entry. It reports an entry of another shape, and keeps an empty entry in its
// place, so that the key paths of the entries behind it stay right.
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

// The structs define the shape of the configuration: a struct is a section of the file, a slice of
// structs is a list of sections, and everything else is a value.

// isSection reports whether a type is a section. A struct that is written as text, such as an
// address, is a value.
func isSection(t reflect.Type) bool {
	textual := reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
	return t.Kind() == reflect.Struct && !textual
}

func isSectionList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && isSection(t.Elem())
}

// notInFile is the key of a field that the file cannot set.
const notInFile = "-"

// fieldName returns the key of a field in the file.
func fieldName(f reflect.StructField) string { return f.Tag.Get("mapstructure") }

// fieldOf returns the field of a section with this key.
func fieldOf(section reflect.Type, name string) (reflect.StructField, bool) {
	for field := range section.Fields() {
		if fieldName(field) == name && name != notInFile {
			return field, true
		}
	}
	return reflect.StructField{}, false
}

// fieldNames returns the keys of a section, in their order.
func fieldNames(section reflect.Type) []string {
	var names []string
	for field := range section.Fields() {
		if name := fieldName(field); name != notInFile {
			names = append(names, name)
		}
	}
	return names
}

// valueKeys returns the key paths of all values, in their order: the environment can set these.
func valueKeys(section reflect.Type, path string) []string {
	var keys []string
	for field := range section.Fields() {
		key := joinKey(path, fieldName(field))
		switch {
		case isSection(field.Type):
			keys = append(keys, valueKeys(field.Type, key)...)
		case !isSectionList(field.Type) && fieldName(field) != notInFile:
			keys = append(keys, key)
		}
	}
	return keys
}

func joinKey(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
