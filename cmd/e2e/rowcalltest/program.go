package rowcalltest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// programVariable names the environment variable that says which program the tests start.
const programVariable = "ROWCALL_TEST_PROGRAM"

// Main builds the program, runs a package's tests and exits. With ROWCALL_TEST_PROGRAM in the
// environment it takes the program of that path instead. The program has the race detector if the
// tests have it; a race that it finds makes it exit with an error, which fails the test.
func Main(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		schematest.Main(m)
	}
	dir, err := os.MkdirTemp("", "rowcall-program-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "make a folder for the program:", err)
		os.Exit(1)
	}
	code := 1
	if err := build(filepath.Join(dir, "rowcall")); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = schematest.Run(m)
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// build builds the program and names it in the environment.
func build(program string) error {
	args := []string{"build", "-buildvcs=false", "-o", program}
	if raceDetector {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "rowcall/cmd/rowcall")...).CombinedOutput(); err != nil {
		return fmt.Errorf("go build rowcall/cmd/rowcall: %w\n%s", err, out)
	}
	return os.Setenv(programVariable, program)
}

// noPause spares the second for which a program with the race detector stays before it ends. In that second the detector
// watches goroutines that are still running; rowcall ends when its own have ended.
const noPause = "GORACE=atexit_sleep_ms=0"

// Program is a running rowcall.
type Program struct {
	Stdout *Output
	Ended  <-chan error // gets how the process ended, once
	cmd    *exec.Cmd
	done   chan struct{} // closed when the process has ended
}

// Start starts the program with these environment variables and arguments. When the test ends, the
// program is stopped as Ctrl-C would stop it; an error that the test has not taken from Ended then
// fails the test.
func Start(t *testing.T, env map[string]string, args ...string) *Program {
	t.Helper()
	return startProgram(t, env, testLog{t}, args...)
}

// StartTelling is Start with a second output for what the program writes to stderr.
func StartTelling(t *testing.T, env map[string]string, stderr *Output, args ...string) *Program {
	t.Helper()
	return startProgram(t, env, io.MultiWriter(stderr, testLog{t}), args...)
}

func startProgram(t *testing.T, env map[string]string, stderr io.Writer, args ...string) *Program {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Getenv(programVariable), args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), noPause}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	ended := make(chan error, 1)
	p := &Program{Stdout: NewOutput(), Ended: ended, cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.Stdout, stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("start rowcall %s: %v", strings.Join(args, " "), err)
	}
	go func() {
		ended <- cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() { p.cleanUp(t) })
	return p
}

// After waits for a line of stdout that begins with a word, and returns the rest of the line.
func (p *Program) After(t *testing.T, word string) string {
	t.Helper()
	return p.Stdout.After(t, word, p.Ended)
}

// Interrupt asks the program to stop, as Ctrl-C does, and does not wait for it.
func (p *Program) Interrupt() { _ = p.cmd.Process.Signal(os.Interrupt) }

// Kill ends the program without letting it do anything more, and waits until it has ended.
func (p *Program) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.Ended
}

// End stops the program as Ctrl-C would, and waits until it has ended without an error.
func (p *Program) End(t *testing.T) {
	t.Helper()
	p.Interrupt()
	select {
	case err := <-p.Ended:
		if err != nil {
			t.Errorf("rowcall ended with: %v", err)
		}
	case <-time.After(testdeadline.Hang()):
		t.Fatal("rowcall does not end")
	}
}

func (p *Program) cleanUp(t *testing.T) {
	t.Helper()
	p.Interrupt()
	select {
	case <-p.done:
	case <-time.After(testdeadline.Hang()):
		t.Error("rowcall does not end: killing it")
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	select {
	case err := <-p.Ended:
		if err != nil {
			t.Errorf("rowcall ended with: %v", err)
		}
	default: // the test has taken it
	}
}

// Succeeds runs a command that ends by itself, and fails the test if it ends with an error.
func Succeeds(t *testing.T, env map[string]string, args ...string) {
	t.Helper()
	if err := <-Start(t, env, args...).Ended; err != nil {
		t.Fatalf("rowcall %s: %v", strings.Join(args, " "), err)
	}
}

// Fails runs a command that is expected to end with an error, and returns what it writes to stderr.
func Fails(t *testing.T, env map[string]string, args ...string) string {
	t.Helper()
	var said bytes.Buffer
	if err := <-startProgram(t, env, io.MultiWriter(&said, testLog{t}), args...).Ended; err == nil {
		t.Fatalf("rowcall %s succeeded", strings.Join(args, " "))
	}
	return said.String()
}
