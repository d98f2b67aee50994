package schematest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"rowcall/schema/cluster"
)

// sweep removes the folders that killed test binaries left in a temporary folder. What cannot be
// removed stays: it belongs to somebody else, or to a test binary that runs at this moment.
func sweep(temporary string) {
	dirs, _ := filepath.Glob(filepath.Join(temporary, prefix+"*"))
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil || time.Since(info.ModTime()) < time.Minute {
			continue // perhaps it is just being made, and not yet locked
		}
		if isOwned(dir) {
			continue
		}
		_ = cluster.Remove(dir)
	}
}

// ownerFile is the file of a test's folder with the id of the process that made the folder. The
// lock of the folder's server is not enough: a test that has stopped its server still wants the
// files.
const ownerFile = "owner"

func ownFolder(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, ownerFile), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return fmt.Errorf("note whose folder it is: %w", err)
	}
	return nil
}

// isOwned reports whether the process that made the folder is running. If another process has its
// id now, the folder is kept for longer.
func isOwned(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, ownerFile))
	if err != nil {
		return false
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		return false
	}
	owner, err := os.FindProcess(pid)
	return err == nil && owner.Signal(syscall.Signal(0)) == nil
}
