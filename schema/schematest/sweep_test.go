package schematest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
	ended := exec.Command(os.Args[0], "-test.run=^$")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	owner := []byte(strconv.Itoa(ended.Process.Pid))
	if err := os.WriteFile(filepath.Join(abandoned, ownerFile), owner, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := server.cluster.Stop(t.Context()); err != nil { // as a test does that works on the files
		t.Fatal(err)
	}
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
