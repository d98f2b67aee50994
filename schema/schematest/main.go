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

// Main runs a package's tests as Run does, and exits.
func Main(m *testing.M, o ...goleak.Option) { os.Exit(Run(m, o...)) }

// Run runs a package's tests, stops the shared server and checks that no goroutine is left. It
// returns the exit code, for a TestMain that has more to clean up.
func Run(m *testing.M, o ...goleak.Option) int {
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
	return code
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
		return nil, errors.New("TestMain calls neither schematest.Main nor schematest.Run")
	}
	sweep(serverFolder())
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
