package notifier_test

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestMutationsFitTheCode keeps the patches that scripts/mutations applies in step with the code they break.
func TestMutationsFitTheCode(t *testing.T) {
	t.Parallel()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("there is no git here to try the patches with")
	}
	patches, err := filepath.Glob("testdata/mutations/*.patch")
	if err != nil || len(patches) == 0 {
		t.Fatalf("there are no mutations: %v", err)
	}
	for _, patch := range patches {
		cmd := exec.Command(git, "-c", "safe.directory=*", "apply", "--check", "-C1", filepath.Join("notifier", patch))
		cmd.Dir = ".."
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s does not fit any more: make it anew\n%s", patch, out)
		}
	}
}
