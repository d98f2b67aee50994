package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"testing"
	"time"

	"rowcall/schema/schematest"
)

// TestMain makes the test binary act as rowcall itself when a test wants a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("ROWCALL_TEST_PROCESS") != "" {
		main()
		os.Exit(0)
	}
	schematest.Main(m)
}

// output is a writer that can be read while a command still writes.
type output struct {
	mu     sync.Mutex // guards text and waiters
	text   bytes.Buffer
	change chan struct{} // closed and replaced at each change
}

func newOutput() *output { return &output{change: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.change)
	o.change = make(chan struct{})
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// after waits for a line that begins, blanks aside, with a word, and returns the rest of it.
func (o *output) after(t *testing.T, word string, ended <-chan error) string {
	t.Helper()
	late := time.After(time.Minute)
	for {
		o.mu.Lock()
		text, change := o.text.String(), o.change
		o.mu.Unlock()
		for line := range strings.Lines(text) {
			if rest, found := strings.CutPrefix(strings.TrimSpace(line), word); found && strings.HasSuffix(line, "\n") {
				return strings.TrimSpace(rest)
			}
		}
		select {
		case <-change:
		case err := <-ended:
			t.Fatalf("it ended with %v before it said %q:\n%s", err, word, text)
		case <-late:
			t.Fatalf("it never said %q:\n%s", word, text)
		}
	}
}

// command is a rowcall that runs within the test.
type command struct {
	stdout *output
	ended  chan error
	stop   context.CancelFunc
}

// start runs a command with an environment of its own until the test ends or stops it.
func start(t *testing.T, env map[string]string, args ...string) *command {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := &command{stdout: newOutput(), ended: make(chan error, 1), stop: cancel}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.ended <- run(ctx, args, environment(env), c.stdout, testLog{t})
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
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
}

// fails runs a command that is expected to say no at once, and returns what it says.
func fails(t *testing.T, env map[string]string, args ...string) string {
	t.Helper()
	err := run(t.Context(), args, environment(env), io.Discard, testLog{t})
	if err == nil {
		t.Fatal("it succeeded")
	}
	return err.Error()
}

func environment(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

// testLog passes a command's log on to the test's.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

// The context of a hurried stop has to end with the next signal, not with the one before.
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
