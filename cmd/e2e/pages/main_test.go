// Package pages tests the pages of the program in a browser.
package pages

import (
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

func TestMain(m *testing.M) { rowcalltest.Main(m) }
