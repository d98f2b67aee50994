package watch

import (
	"context"
	"errors"
	"io"
	"time"

	"rowcall/api/identity"
	"rowcall/cmd/internal/node"
	"rowcall/notifier/topic"
)

// tail prints the changes of tables.
type tail struct {
	node   *node.Node
	topics []topic.Topic
	who    identity.Identity
	lines  *lines
	note   func(line string)
	done   chan struct{} // closed when the tail has ended
}

// start follows the tables in a goroutine, and returns when they are followed, or when that has failed or ctx has ended. It
// calls stop if nobody reads what is printed.
func (t *tail) start(ctx context.Context, stop context.CancelFunc) {
	live := make(chan struct{})
	t.done = make(chan struct{})
	go func() {
		defer close(t.done)
		err := t.node.Follow(ctx, t.topics, t.who, func() { close(live) }, t.lines.print)
		switch {
		case isClosed(err):
			stop()
		case err != nil:
			t.note("Changes are not printed any more: " + err.Error())
		}
	}()
	select {
	case <-live:
	case <-t.done:
	case <-ctx.Done():
	}
}

// patience is how long the end of the program waits for a line that nobody takes from standard output.
const patience = time.Second

// wait waits until the tail has ended. Where a write to a stalled pipe does not return, the end of the process ends it.
func (t *tail) wait() {
	select {
	case <-t.done:
	case <-time.After(patience):
	}
}

// outputError says that nothing can be written to standard output.
type outputError struct{ error }

func (e outputError) Unwrap() error { return e.error }

// isClosed reports whether whoever reads standard output has gone.
func isClosed(err error) bool {
	_, ok := errors.AsType[outputError](err)
	return ok
}

// writeLine writes a line as a whole.
func writeLine(w io.Writer, line string) error {
	if _, err := io.WriteString(w, line+"\n"); err != nil {
		return outputError{err}
	}
	return nil
}
