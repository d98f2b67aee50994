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

// told is one line of a node process's output: an event, or a reset.
type told struct {
	Data   json.RawMessage      `json:"data,omitempty"`
	Cursor string               `json:"cursor,omitempty"`
	Reset  notifier.ResetReason `json:"reset,omitempty"`
}

// nodeProcess is a node in a process of its own, so that it can be frozen and killed as a whole. It
// follows one topic, and prints a line for each event and each reset. The test has this side of it;
// TestNodeProcess is the other side.
type nodeProcess struct {
	t     testing.TB
	cmd   *exec.Cmd
	lines chan told
}

// startNodeProcess starts a node that follows a topic, and waits until it does.
func startNodeProcess(t testing.TB, db *schematest.Database, topic topic.Topic) *nodeProcess {
	t.Helper()
	c := &nodeProcess{t: t, cmd: exec.Command(os.Args[0], "-test.run=^TestNodeProcess$", "-test.timeout=10m"), lines: make(chan told)}
	c.cmd.Env = append(os.Environ(), "ROWCALL_NODE_PROCESS_URL="+db.URL, "ROWCALL_NODE_PROCESS_TOPIC="+string(topic))
	c.cmd.Stderr = t.Output()
	in, err := c.cmd.StdinPipe() // closed when this process ends
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
		for range c.lines { // nobody has read these
		}
		_ = c.cmd.Wait() // it may have been killed
	})
	c.next()
	return c
}

func (c *nodeProcess) read(out io.Reader) {
	defer close(c.lines)
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		var line told
		if json.Unmarshal(scanner.Bytes(), &line) == nil {
			c.lines <- line
		}
	}
}

func (c *nodeProcess) signal(s syscall.Signal) {
	_ = c.cmd.Process.Signal(s) // it may have ended
}

// freeze stops the process for the time d, and calls meanwhile during that time.
func (c *nodeProcess) freeze(d time.Duration, meanwhile func()) {
	c.t.Helper()
	since := time.Now()
	c.signal(syscall.SIGSTOP)
	meanwhile()
	wait(c.t.Context(), d-time.Since(since))
	c.signal(syscall.SIGCONT)
}

// next returns the next line that the process prints.
func (c *nodeProcess) next() told {
	c.t.Helper()
	select {
	case line, ok := <-c.lines:
		if !ok {
			c.t.Fatal("the node process has ended")
		}
		return line
	case <-time.After(patience):
		c.t.Fatal("the node process prints nothing")
	}
	return told{}
}

// expect reads events with these numbers as data, and returns the last cursor among them.
func (c *nodeProcess) expect(from, to int) (cursor string) {
	c.t.Helper()
	for i := from; i <= to; i++ {
		line := c.next()
		if string(line.Data) != strconv.Itoa(i) {
			c.t.Fatalf("the node process prints %s %s, want event %d", line.Data, line.Reset, i)
		}
		cursor = line.Cursor
	}
	return cursor
}

// TestNodeProcess is what the node process runs. It is not a test.
func TestNodeProcess(t *testing.T) {
	url := os.Getenv("ROWCALL_NODE_PROCESS_URL")
	if url == "" {
		t.Skip("only tests that freeze or kill a node run it")
	}
	over := make(chan time.Time)
	go func() {
		defer close(over)
		_, _ = io.Copy(io.Discard, os.Stdin) // it returns when the parent goes
	}()
	n := startNode(t, url, openRules{}, roomy())
	r := follow(t, n, notifier.Request{}, topic.Topic(os.Getenv("ROWCALL_NODE_PROCESS_TOPIC")))
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
