package cluster

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestVersionLine(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"postgres (PostgreSQL) 15.4 (Debian 15.4-1.pgdg120+1)\n": "15.4 15",
		"postgres (PostgreSQL) 18beta1\n":                        "18beta1 18",
		"postgres (EnterpriseDB) 16.2.0\n":                       "16.2.0 16",
		"postgres (PostgreSQL) 9.6.24\n":                         "9.6.24 9",
	} {
		match := versionLine.FindStringSubmatch(line)
		if match == nil || match[1]+" "+match[2] != want {
			t.Errorf("%q is read as %q, want %q", line, match, want)
		}
	}
}

// fakeServer makes a folder whose postgres only knows its version.
func fakeServer(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + "'\n"
	for _, name := range []string{"postgres", "initdb"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFindTakesTheNewest(t *testing.T) {
	old, recent := fakeServer(t, "14.9"), fakeServer(t, "99.1")
	linked := t.TempDir()
	if err := os.Symlink(filepath.Join(recent, "postgres"), filepath.Join(linked, "postgres")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ROWCALL_PG_BIN", "")
	t.Setenv("PATH", strings.Join([]string{old, linked, os.Getenv("PATH")}, string(os.PathListSeparator)))
	bin, err := Find(t.Context())
	if err != nil || bin.Dir != recent || bin.Major != 99 || bin.Version != "99.1" {
		t.Errorf("found %+v, %v", bin, err)
	}
	t.Setenv("ROWCALL_PG_BIN", old)
	if bin, err := Find(t.Context()); err != nil || bin.Dir != old {
		t.Errorf("ROWCALL_PG_BIN is ignored: %+v, %v", bin, err)
	}
	t.Setenv("ROWCALL_PG_BIN", t.TempDir())
	if _, err := Find(t.Context()); err == nil || errors.Is(err, ErrNoBinaries) || !strings.Contains(err.Error(), "ROWCALL_PG_BIN") {
		t.Errorf("an empty ROWCALL_PG_BIN gives %v", err)
	}
}

// repository serves one PostgreSQL, packed as the library expects it: a jar with a tar.xz in it.
func repository(t *testing.T) *httptest.Server {
	t.Helper()
	if _, err := exec.LookPath("xz"); err != nil {
		t.Skip("no xz here to pack a server with")
	}
	var jar bytes.Buffer
	archive := zip.NewWriter(&jar)
	file, err := archive.Create("postgres.txz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(packed(t)); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".sha256") {
			http.NotFound(w, r)
			return
		}
		w.Write(jar.Bytes())
	}))
	t.Cleanup(server.Close)
	return server
}

// packed is a tar.xz with programs that know their version, unreadable for others on purpose.
func packed(t *testing.T) []byte {
	t.Helper()
	var plain bytes.Buffer
	archive := tar.NewWriter(&plain)
	for _, name := range []string{"bin/postgres", "bin/initdb", "bin/pg_ctl"} {
		script := "#!/bin/sh\n[ \"$1\" = --version ] && echo 'postgres (PostgreSQL) 18.0'\n"
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o700, Size: int64(len(script)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(script)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "xz", "-c")
	cmd.Stdin = &plain
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFetch(t *testing.T) {
	server, dir := repository(t), filepath.Join(t.TempDir(), "made", "here")
	defer http.DefaultClient.CloseIdleConnections()
	bin, err := fetch(t.Context(), dir, server.URL)
	if err != nil || bin.Major != 18 {
		t.Fatalf("fetched %+v, %v", bin, err)
	}
	info, err := os.Stat(bin.tool("postgres"))
	if err != nil || info.Mode().Perm()&0o055 != 0o055 {
		t.Errorf("others cannot run what was fetched: %v, %v", info.Mode(), err)
	}
	server.Close()
	if again, err := fetch(t.Context(), dir, server.URL); err != nil || again != bin {
		t.Errorf("the second time it is fetched again: %+v, %v", again, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "fetching-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFetchWithoutNetwork(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	dir := t.TempDir()
	if _, err := fetch(t.Context(), dir, server.URL); err == nil || !strings.Contains(err.Error(), "download PostgreSQL") {
		t.Errorf("the error is %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
