package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"testing"
	"time"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// TestMain makes the test binary act as rowcall itself when a test starts it as a process.
func TestMain(m *testing.M) {
	if os.Getenv("ROWCALL_TEST_PROCESS") != "" {
		main()
		os.Exit(0)
	}
	schematest.Main(m)
}

// command is a rowcall that runs in a goroutine of the test.
type command struct {
	stdout *rowcalltest.Output
	ended  chan error
	stop   context.CancelFunc
}

// start runs a command with these environment variables until the test ends or stops it.
func start(t *testing.T, env map[string]string, args ...string) *command {
	t.Helper()
	return startLogging(t, rowcalltest.LogTo(t), env, args...)
}

// startLogging is start with a log that the test can read.
func startLogging(t *testing.T, log io.Writer, env map[string]string, args ...string) *command {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := &command{stdout: rowcalltest.NewOutput(), ended: make(chan error, 1), stop: cancel}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.ended <- run(ctx, args, environment(env), c.stdout, log)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return c
}

// end stops a command as Ctrl-C would and waits for it.
func (c *command) end(t *testing.T) {
	t.Helper()
	c.stop()
	select {
	case err := <-c.ended:
		if err != nil {
			t.Errorf("it ended with: %v", err)
		}
	case <-time.After(testdeadline.Hang()):
		t.Fatal("it does not end")
	}
}

// fails runs a command that must fail at once, and returns the error.
func fails(t *testing.T, env map[string]string, args ...string) string {
	t.Helper()
	err := run(t.Context(), args, environment(env), io.Discard, rowcalltest.LogTo(t))
	if err == nil {
		t.Fatal("it succeeded")
	}
	return err.Error()
}

func environment(env map[string]string) []string {
	var entries []string
	for name, value := range env {
		entries = append(entries, name+"="+value)
	}
	return entries
}

// TestHurriedEndsWithTheNextSignal checks that the context of a hurried stop ends with the next
// signal, not with the previous one.
func TestHurriedEndsWithTheNextSignal(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	hurry, release := hurried(over)
	defer release()
	if hurry.Err() != nil {
		t.Fatal("it is over before anybody asked a second time")
	}
	again, stop := signal.NotifyContext(t.Context(), endings()...)
	defer stop()
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-again.Done()
	<-hurry.Done()
}
