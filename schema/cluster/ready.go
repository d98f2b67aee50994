package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// errAgain marks a failed start that may well succeed when tried again.
var errAgain = errors.New("try again")

// lookEvery is how often a starting or stopping server is looked at.
const lookEvery = 20 * time.Millisecond

// pidFileName is the name of the file that a server writes about itself into its data folder.
const pidFileName = "postmaster.pid"

// pidFile is the content of that file.
type pidFile struct {
	pid    int
	status string // starting, ready, standby, stopping; empty while it is being written
}

// readPIDFile returns false if there is no file, or one that cannot be understood yet.
func (f folder) readPIDFile() (pidFile, bool) {
	text, err := os.ReadFile(filepath.Join(f.data(), pidFileName))
	if err != nil {
		return pidFile{}, false
	}
	pid, ok := parsePID(text)
	file := pidFile{pid: pid}
	if lines := strings.Split(string(text), "\n"); len(lines) >= 8 {
		file.status = strings.TrimSpace(lines[7])
	}
	return file, ok
}

// readPID returns the process id in the first line of a lock file.
func readPID(path string) (int, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	return parsePID(text)
}

func parsePID(text []byte) (int, bool) {
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	return pid, err == nil && pid > 1
}

// awaitReady returns when the server accepts connections. However long recovery takes, it is
// waited for while the process lives and ctx lasts.
func (c *Cluster) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		file, ok := c.folder.readPIDFile()
		if ok && file.pid == c.process.cmd.Process.Pid && (file.status == "ready" || file.status == "standby") {
			return nil
		}
		select {
		case <-c.process.done:
			return c.whyEnded(ctx)
		case <-ctx.Done():
			_ = c.process.stop(ctx) // cannot fail while the process is ours
			return fmt.Errorf("wait for PostgreSQL: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// whyEnded turns the log of a server that ended during its start into an error. Both causes that
// pass by themselves are paused for, so that trying again makes sense.
func (c *Cluster) whyEnded(ctx context.Context) error {
	text, _ := os.ReadFile(c.folder.log())
	if !bytes.Contains(text, []byte("Address already in use")) && !bytes.Contains(text, []byte("is still in use")) {
		return fmt.Errorf("PostgreSQL did not start: %s (its log is %s)", c.folder.lastWords(), c.folder.log())
	}
	select {
	case <-time.After(10 * lookEvery):
	case <-ctx.Done():
	}
	return fmt.Errorf("PostgreSQL did not start, %w: %s", errAgain, c.folder.lastWords())
}

// lastWords is the last complaint in the server's log.
func (f folder) lastWords() string {
	text, err := os.ReadFile(f.log())
	if err != nil || len(text) == 0 {
		return "it said nothing"
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if _, complaint, found := strings.Cut(lines[i], "FATAL: "); found {
			return strings.TrimSpace(complaint)
		}
	}
	return oneLine(lines[len(lines)-1])
}
