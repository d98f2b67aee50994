// Package sites tests the program together with the sites of others: a Django project, and the
// frontends that the shipped socket formats come from.
package sites

import (
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

func TestMain(m *testing.M) { rowcalltest.Main(m) }
