package sites

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// seedsFolder is the folder of the seeds' frontends.
const seedsFolder = "testdata/seeds"

// frontends are the seeds' pages, built.
type frontends struct{ built string }

// buildFrontends installs the packages of the pages where they are missing, and bundles the scripts
// of each page.
func buildFrontends(t *testing.T) frontends {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("this test runs pages that need npm packages, and there is no %s here; Debian: apt-get install npm", program)
		}
	}
	if _, err := os.Stat(filepath.Join(seedsFolder, "node_modules", "events", "package.json")); err != nil {
		runInSeeds(t, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	}
	built := t.TempDir()
	runInSeeds(t, "node_modules/.bin/esbuild", "--bundle", "--outbase=.", "--outdir="+built, "--format=esm", "--charset=utf8",
		"--log-level=warning", `--define:process.env.NODE_ENV="production"`, "chat/client.js", "jobs/main.jsx", "patients/page.js")
	return frontends{built}
}

func runInSeeds(t *testing.T, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = seedsFolder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
}

// read returns a file of the pages: a built one, one of the folder, or one of a package.
func (f frontends) read(name string) ([]byte, error) {
	packages := map[string]string{
		"dams/jquery.js":     "node_modules/jquery/dist/jquery.js",
		"dams/bootstrap.js":  "node_modules/bootstrap/dist/js/bootstrap.js",
		"dams/bootstrap.css": "node_modules/bootstrap/dist/css/bootstrap.css",
	}
	if content, err := os.ReadFile(filepath.Join(f.built, name)); err == nil {
		return content, nil
	}
	if file, known := packages[name]; known {
		name = file
	}
	return os.ReadFile(filepath.Join(seedsFolder, name))
}

// serve answers with a file of the pages, if there is one, after replacing the host that the page
// names. Below /apps/ it serves the same pages with the addresses that newer sites use.
func (f frontends) serve(w http.ResponseWriter, path, host string) bool {
	if path == "/blank" || path == "/favicon.ico" {
		w.Header().Set("Content-Type", "text/html")
		return true
	}
	name, apps := strings.CutPrefix(strings.TrimPrefix(path, "/"), "apps/")
	content, err := f.read(name)
	if err != nil {
		return false
	}
	if host != "" {
		content = regexp.MustCompile(`window\.location\.host\b`).ReplaceAllLiteral(content, []byte(`"`+host+`"`))
	}
	if apps {
		content = bytes.ReplaceAll(content, []byte("'/dam-inventory/"), []byte("'/apps/dam-inventory/"))
	}
	kinds := map[string]string{".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
	w.Header().Set("Content-Type", kinds[filepath.Ext(name)]+"; charset=utf-8")
	_, _ = w.Write(content)
	return true
}

// elsewhere serves the pages on another port than the node. Only the host of their sockets is
// changed.
func (f frontends) elsewhere(t *testing.T, node string) (address string) {
	t.Helper()
	u, err := url.Parse(node)
	if err != nil {
		t.Fatal(err)
	}
	return f.start(t, u.Scheme, func(w http.ResponseWriter, r *http.Request) {
		if !f.serve(w, r.URL.Path, u.Host) {
			http.NotFound(w, r)
		}
	})
}

// inFront serves pages and node on one address, behind a proxy. The pages are unchanged.
func (f frontends) inFront(t *testing.T, scheme, node string) (address string) {
	t.Helper()
	u, err := url.Parse(node)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.SetXForwarded()
		},
		Transport: &http.Transport{DisableKeepAlives: true},
	}
	return f.start(t, scheme, func(w http.ResponseWriter, r *http.Request) {
		if !f.serve(w, r.URL.Path, "") {
			proxy.ServeHTTP(w, r)
		}
	})
}

func (f frontends) start(t *testing.T, scheme string, handler http.HandlerFunc) (address string) {
	server := httptest.NewUnstartedServer(handler)
	if scheme == "https" {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL + "/"
}

// certificate writes a certificate for this machine, and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	pair := server.TLS.Certificates[0]
	secret, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, block := range map[string]*pem.Block{
		"cert": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		"key":  {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(folder, "cert"), filepath.Join(folder, "key")
}
