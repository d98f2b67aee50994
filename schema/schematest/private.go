package schematest

import (
	"testing"

	"rowcall/schema/cluster"
)

// Private returns a database on a server of its own, for tests that stop, crash or kill it. The
// server keeps its port, so the URL stays good across Start.
func Private(t testing.TB, o ...Option) *Database {
	t.Helper()
	return PrivateWith(t, nil, o...)
}

// PrivateWith is Private with server settings, such as wal_level.
func PrivateWith(t testing.TB, settings map[string]string, o ...Option) *Database {
	t.Helper()
	s, err := startServer(t.Context(), settings)
	if err != nil {
		t.Fatalf("start a PostgreSQL for the test: %v", err)
	}
	t.Cleanup(func() {
		if err := s.remove(); err != nil {
			t.Errorf("remove the test's PostgreSQL: %v", err)
		}
	})
	name, err := s.clone(t.Context(), contentOf(o))
	if err != nil {
		t.Fatalf("make a database for the test: %v", err)
	}
	return &Database{URL: s.cluster.URL(name), Name: name, Cluster: s.cluster, private: s}
}

// Stop shuts a private server down cleanly.
func (d *Database) Stop(t testing.TB) {
	t.Helper()
	if err := d.own(t).cluster.Stop(t.Context()); err != nil {
		t.Fatalf("stop the test's PostgreSQL: %v", err)
	}
}

// Kill ends a private server like a crash.
func (d *Database) Kill(t testing.TB) {
	t.Helper()
	d.own(t).cluster.Kill()
}

// Start starts a private server again, on the port it had.
func (d *Database) Start(t testing.TB) {
	t.Helper()
	s := d.own(t)
	c, err := cluster.Start(t.Context(), s.options)
	if err != nil {
		t.Fatalf("start the test's PostgreSQL again: %v", err)
	}
	s.cluster, d.Cluster = c, c
}

func (d *Database) own(t testing.TB) *server {
	t.Helper()
	if d.private == nil {
		t.Fatal("this server is shared with other tests: take one from schematest.Private")
	}
	return d.private
}
