// Package e2e tests the program from outside: it starts rowcall on a real PostgreSQL, writes with
// psql, and reads over HTTP and WebSocket. The folders below it add a browser.
package e2e

import (
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

func TestMain(m *testing.M) { rowcalltest.Main(m) }
