//go:build unix

package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// The signals by which PostgreSQL's first process is told to shut down.
const (
	fastShutdown      = syscall.SIGINT  // disconnect clients, leave the data clean
	immediateShutdown = syscall.SIGQUIT // at once; the next start recovers
)

// signal sends the process a signal; one that has ended already is no error.
func (p *process) signal(s syscall.Signal) error {
	if p.ended() {
		return nil
	}
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// signalPID signals a process that is not our child.
func signalPID(pid int, s syscall.Signal) error { return syscall.Kill(pid, s) }

// lock keeps two processes from running one cluster. The system releases it when its process ends.
type lock struct{ file *os.File }

func (f folder) acquire() (*lock, error) {
	path := filepath.Join(f.dir, "lock")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder, _ := os.ReadFile(path)
		file.Close()
		return nil, fmt.Errorf("process %s is running on %s already: stop it, or choose another data folder", strings.TrimSpace(string(holder)), f.dir)
	}
	if err == nil {
		err = note(file)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	return &lock{file}, nil
}

// note writes who holds the lock, for the error of the next who wants it.
func note(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintln(file, os.Getpid())
	return err
}

// release may be called more than once. It unlocks before it closes: a process that another goroutine
// starts at this moment has a copy of the open file for an instant, and would keep the lock with it.
func (l *lock) release() {
	_ = syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN) // after the first time the file is closed
	_ = l.file.Close()
}
