package config

import (
	"encoding"
	"reflect"
)

// The shape of the configuration is read off the structs: a struct is a section of the file, a
// slice of structs is a list of sections, and everything else is a value.

// isSection leaves out structs that are written as text, such as an address.
func isSection(t reflect.Type) bool {
	textual := reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
	return t.Kind() == reflect.Struct && !textual
}

func isSectionList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && isSection(t.Elem())
}

// fieldName is the key of a field in the file.
func fieldName(f reflect.StructField) string { return f.Tag.Get("mapstructure") }

// fieldOf finds the field of a section by its key.
func fieldOf(section reflect.Type, name string) (reflect.StructField, bool) {
	for field := range section.Fields() {
		if fieldName(field) == name {
			return field, true
		}
	}
	return reflect.StructField{}, false
}

// fieldNames are the keys of a section, in their order.
func fieldNames(section reflect.Type) []string {
	var names []string
	for field := range section.Fields() {
		names = append(names, fieldName(field))
	}
	return names
}

// valueKeys are the key paths of all values, in their order: what the environment can set.
func valueKeys(section reflect.Type, path string) []string {
	var keys []string
	for field := range section.Fields() {
		key := join(path, fieldName(field))
		switch {
		case isSection(field.Type):
			keys = append(keys, valueKeys(field.Type, key)...)
		case !isSectionList(field.Type):
			keys = append(keys, key)
		}
	}
	return keys
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
