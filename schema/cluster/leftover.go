package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// stopLeftover stops the server that a killed run left behind on this folder, and removes the lock
// files that would keep a new server from starting. It is called while the folder is locked, so no
// living process wants that server.
func (f folder) stopLeftover(ctx context.Context) error {
	if file, ok := f.readPIDFile(); ok && f.runs(file.pid) {
		if err := signalPID(file.pid, fastShutdown); err != nil && f.runs(file.pid) {
			return fmt.Errorf("a PostgreSQL of an earlier run still has %s and cannot be stopped: end process %d yourself: %w", f.dir, file.pid, err)
		}
		if err := f.awaitGone(ctx, file.pid); err != nil {
			return err
		}
	}
	for _, path := range f.lockFiles() {
		if err := f.removeStale(path); err != nil {
			return err
		}
	}
	return nil
}

// awaitGone waits until a server that was told to stop is gone, and gets impatient once.
func (f folder) awaitGone(ctx context.Context, pid int) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	late := time.After(patience)
	for f.runs(pid) {
		select {
		case <-tick.C:
		case <-late:
			_ = signalPID(pid, immediateShutdown) // its end is what counts
		case <-ctx.Done():
			return fmt.Errorf("wait for the PostgreSQL of an earlier run to stop: %w", ctx.Err())
		}
	}
	return nil
}

// runs reports whether a process is this folder's server: the number may long belong to another.
func (f folder) runs(pid int) bool {
	return strings.Contains(commandLine(pid), "postgres -D "+f.data()+" -c ")
}

// lockFiles returns the paths of the files by which PostgreSQL locks its data folder and its Unix socket.
func (f folder) lockFiles() []string {
	sockets, _ := filepath.Glob(filepath.Join(f.data(), ".s.PGSQL.*.lock")) // the pattern is correct
	return append(sockets, filepath.Join(f.data(), pidFileName))
}

// removeStale removes a lock file if the server that wrote it is gone and its process id belongs to
// another process now: PostgreSQL would take that process for the server and refuse to start. If no
// process has the id, the file stays: the new server reads in it where to look for backends that still run.
func (f folder) removeStale(path string) error {
	pid, ok := readPID(path)
	if !ok || commandLine(pid) == "" {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the traces of an earlier server: %w", err)
	}
	return nil
}
