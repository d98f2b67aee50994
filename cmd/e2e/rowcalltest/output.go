package rowcalltest

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"rowcall/testdeadline"
)

// Output is a writer whose text can be read while a program still writes to it.
type Output struct {
	mu     sync.Mutex // guards text and waiters
	text   bytes.Buffer
	change chan struct{} // closed and replaced at each change
}

// NewOutput returns an empty Output.
func NewOutput() *Output { return &Output{change: make(chan struct{})} }

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.change)
	o.change = make(chan struct{})
	return o.text.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// After waits for a line that begins, blanks aside, with a word, and returns the rest of the line.
// It fails the test when ended gets a value first.
func (o *Output) After(t *testing.T, word string, ended <-chan error) string {
	t.Helper()
	late := time.After(testdeadline.Hang())
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
			t.Fatalf("the program ended with %v before it wrote %q:\n%s", err, word, text)
		case <-late:
			t.Fatalf("the program never wrote %q:\n%s", word, text)
		}
	}
}

// LogTo returns a writer that passes each write on to the test's log.
func LogTo(t *testing.T) io.Writer { return testLog{t} }

type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

// Eventually waits until done returns true, and fails the test with the complaint if it never does.
func Eventually(t *testing.T, done func() bool, complaint string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(testdeadline.Hang()); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal(complaint)
		}
	}
}
