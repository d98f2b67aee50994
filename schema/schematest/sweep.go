package schematest

import (
	"os"
	"path/filepath"
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
		_ = cluster.Remove(dir)
	}
}
