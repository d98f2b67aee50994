// Package schematest gives every test a migrated PostgreSQL database of its own.
//
// Call Main from TestMain. The first New of a test binary starts one throw-away server, shared by
// the binary's tests, which may run in parallel; each New clones a template that is migrated once.
// Main stops the server and removes its files. When the test binary is killed the server ends with
// it, and the files are removed by the next run of any test binary.
package schematest

import (
	"context"
	"testing"

	"rowcall/schema/cluster"
	"rowcall/testdeadline"
)

// Option says what a database holds. Without one it holds the core and the apps, without samples.
type Option int

// The options.
const (
	Samples  Option = iota + 1 // the apps with the demo's sample rows
	CoreOnly                   // no apps
	Empty                      // nothing at all, not even Rowcall's schema
)

// Database is one test's database.
type Database struct {
	URL     string           // for the superuser, over TCP
	Name    string           // within its cluster
	Cluster *cluster.Cluster // the server: shared with other tests unless it comes from Private

	private *server // nil for a database on the shared server
}

// New returns a database of the test's own on the shared server, and drops it when the test ends.
func New(t testing.TB, o ...Option) *Database {
	t.Helper()
	server := theShared.get(t)
	name, err := server.clone(t.Context(), contentOf(o))
	if err != nil {
		t.Fatalf("make a database for the test: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := cleanupContext()
		defer cancel()
		if err := server.drop(ctx, name); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return &Database{URL: server.cluster.URL(name), Name: name, Cluster: server.cluster}
}

// cleanupContext is for work after the test, whose own context has ended by then.
func cleanupContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), testdeadline.Hang())
}
