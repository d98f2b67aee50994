package notifier_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"rowcall/notifier"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
)

// A child is a node in a process of its own, so that it can be frozen and killed as a whole. It follows one
// topic and tells what it gets, a line each.

// told is a line of the child's.
type told struct {
	Data   json.RawMessage      `json:"data,omitempty"`
	Cursor string               `json:"cursor,omitempty"`
	Reset  notifier.ResetReason `json:"reset,omitempty"`
}

// child is the parent's side of it.
type child struct {
	t     testing.TB
	cmd   *exec.Cmd
	lines chan told
}

// startChild starts a node that follows a topic, and waits until it does.
func startChild(t testing.TB, db *schematest.Database, topic topic.Topic) *child {
	t.Helper()
	c := &child{t: t, cmd: exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.timeout=10m"), lines: make(chan told)}
	c.cmd.Env = append(os.Environ(), "ROWCALL_CHILD_URL="+db.URL, "ROWCALL_CHILD_TOPIC="+string(topic))
	c.cmd.Stderr = t.Output()
	in, err := c.cmd.StdinPipe() // it ends when this does
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go c.read(out)
	t.Cleanup(func() {
		c.signal(syscall.SIGCONT)
		in.Close()
		for range c.lines { // what nobody wanted to know
		}
		_ = c.cmd.Wait() // it may have been killed
	})
	c.next()
	return c
}

func (c *child) read(out io.Reader) {
	defer close(c.lines)
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		var line told
		if json.Unmarshal(scanner.Bytes(), &line) == nil {
			c.lines <- line
		}
	}
}

func (c *child) signal(s syscall.Signal) {
	_ = c.cmd.Process.Signal(s) // one that has ended hears nothing
}

// freeze stops the child for a while, in which something happens.
func (c *child) freeze(d time.Duration, meanwhile func()) {
	c.t.Helper()
	since := time.Now()
	c.signal(syscall.SIGSTOP)
	meanwhile()
	wait(c.t.Context(), d-time.Since(since))
	c.signal(syscall.SIGCONT)
}

// next is what the child tells next.
func (c *child) next() told {
	c.t.Helper()
	select {
	case line, ok := <-c.lines:
		if !ok {
			c.t.Fatal("the child has ended")
		}
		return line
	case <-time.After(patience):
		c.t.Fatal("the child tells nothing")
	}
	return told{}
}

// expect reads events of these numbers, and returns the last cursor among them.
func (c *child) expect(from, to int) (cursor string) {
	c.t.Helper()
	for i := from; i <= to; i++ {
		line := c.next()
		if string(line.Data) != strconv.Itoa(i) {
			c.t.Fatalf("the child tells %s %s, where event %d should come", line.Data, line.Reset, i)
		}
		cursor = line.Cursor
	}
	return cursor
}

// TestChild is the child's side, and no test.
func TestChild(t *testing.T) {
	url := os.Getenv("ROWCALL_CHILD_URL")
	if url == "" {
		t.Skip("it is for tests that freeze or kill a node")
	}
	over := make(chan time.Time)
	go func() {
		defer close(over)
		_, _ = io.Copy(io.Discard, os.Stdin) // the parent says nothing: it goes
	}()
	n := startNode(t, url, openRules{}, roomy())
	r := follow(t, n, notifier.Request{}, topic.Topic(os.Getenv("ROWCALL_CHILD_TOPIC")))
	tell(told{Cursor: r.start.Cursor})
	for {
		e, reset, err := r.take(over)
		switch {
		case err != nil:
			return
		case reset != nil:
			tell(told{Reset: reset.Reason, Cursor: reset.Cursor})
		default:
			tell(told{Data: e.Data, Cursor: e.Cursor()})
		}
	}
}

func tell(line told) {
	text, _ := json.Marshal(line) // it cannot fail: what an event holds is JSON
	fmt.Println(string(text))
}
