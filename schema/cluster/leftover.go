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

// stopLeftover stops the server that a killed run left behind on this folder. It is called while
// the folder is locked, so no living process wants that server.
func (f folder) stopLeftover(ctx context.Context) error {
	file, ok := f.readPIDFile()
	if !ok {
		return nil
	}
	if !f.runs(file.pid) {
		return f.forget(file.pid)
	}
	if err := signalPID(file.pid, fastShutdown); err != nil && f.runs(file.pid) {
		return fmt.Errorf("a PostgreSQL of an earlier run still has %s and cannot be stopped: end process %d yourself: %w", f.dir, file.pid, err)
	}
	return f.awaitGone(ctx, file.pid)
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

// forget removes the pid file of a server that is gone while its number belongs to another process
// now, which would keep a new server from starting. Where the number belongs to nobody the file is
// left: the new server looks through it for backends that still run.
func (f folder) forget(pid int) error {
	if commandLine(pid) == "" {
		return nil
	}
	err := os.Remove(filepath.Join(f.data(), "postmaster.pid"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the traces of an earlier server: %w", err)
	}
	return nil
}
