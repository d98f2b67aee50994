// Package doortest opens doors for the tests of packages that need one.
package doortest

import (
	"testing"

	"rowcall/api/door"
)

// Open returns a Door with the given options.
func Open(t testing.TB, o door.Options) *door.Door {
	t.Helper()
	d, err := door.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
