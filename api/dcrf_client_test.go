package api

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// clientFolder contains the npm package that the seed's frontends use.
const clientFolder = "testdata/dcrf"

// installClient fetches the package once.
func installClient(t *testing.T, ctx context.Context) {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("this test runs the npm package dcrf-client, and there is no %s here", program)
		}
	}
	if _, err := os.Stat(filepath.Join(clientFolder, "node_modules", "dcrf-client", "package.json")); err == nil {
		return
	}
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = clientFolder
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
}

// The original client of the seed, unchanged, works with the socket.
func TestDCRFClient(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	installClient(t, ctx)
	w := openResourceServer(t)
	node := exec.CommandContext(ctx, "node", "client.mjs", w.addr, w.login(t, "alice"), w.login(t, "bob"))
	node.Dir = clientFolder
	out, err := node.CombinedOutput()
	if err != nil || strings.Count(string(out), "as it should be") != 2 {
		t.Errorf("%v\n%s", err, out)
	}
}
