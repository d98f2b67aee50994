package schematest

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What a killed test binary left is removed by the next; what one that runs has is left alone.
func TestSweep(t *testing.T) {
	t.Parallel()
	server, err := startServer(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.remove(); err != nil {
			t.Error(err)
		}
	})
	temporary := t.TempDir()
	abandoned, fresh, used := filepath.Join(temporary, prefix+"1"), filepath.Join(temporary, prefix+"2"), filepath.Join(temporary, prefix+"3")
	for _, dir := range []string{abandoned, fresh} {
		if err := os.Mkdir(dir, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(server.options.Dir, used); err != nil {
		t.Fatal(err)
	}
	longAgo := time.Now().Add(-time.Hour)
	for _, dir := range []string{abandoned, server.options.Dir} {
		if err := os.Chtimes(dir, longAgo, longAgo); err != nil {
			t.Fatal(err)
		}
	}
	sweep(temporary)
	for dir, want := range map[string]bool{abandoned: false, fresh: true, used: true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", dir, err == nil, want)
		}
	}
}
