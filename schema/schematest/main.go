package schematest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// Main runs a package's tests, stops the shared server, checks that no goroutine is left, and exits.
func Main(m *testing.M, o ...goleak.Option) {
	theShared.allow()
	code := m.Run()
	if err := theShared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "schematest:", err)
		code = 1
	}
	if code == 0 {
		if err := goleak.Find(o...); err != nil {
			fmt.Fprintln(os.Stderr, "schematest:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// theShared is the test binary's server: the one thing that Main and New have in common.
var theShared shared

// shared starts a server for the first test that asks.
type shared struct {
	mu      sync.Mutex // guards what is below
	allowed bool       // Main will stop it
	server  *server
	err     error // why it could not be started: told to every test
}

func (s *shared) allow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allowed = true
}

// get returns the server, or ends the test.
func (s *shared) get(t testing.TB) *server {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil && s.err == nil {
		s.server, s.err = s.startLocked()
	}
	if s.err != nil {
		t.Fatalf("start PostgreSQL for the tests: %v", s.err)
	}
	return s.server
}

// startLocked does not use a test's context: the server outlives the test that asked first.
func (s *shared) startLocked() (*server, error) {
	if !s.allowed {
		return nil, errors.New("TestMain does not call schematest.Main")
	}
	sweep(os.TempDir())
	return startServer(context.Background(), nil)
}

func (s *shared) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil {
		return nil
	}
	return s.server.remove()
}
