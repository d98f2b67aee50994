package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// pages is the handler of all tests.
var pages = sync.OnceValue(func() http.Handler { return Handler(Options{}) })

func ask(t *testing.T, method, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	pages().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	content, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// page returns the answer to every address of a page.
func page(t *testing.T) string { return string(load()["/index.html"].content) }

func TestPagesAreServedAtTheirAddresses(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/", "/login", "/chat", "/chat/", "/chat/42", "/chat/42/", "/patients", "/dams", "/jobs",
		"/admin", "/admin/rooms", "/admin/rooms/7", "/console", "/console/topics", "/live",
	} {
		got := ask(t, "GET", path)
		if got.StatusCode != 200 || body(t, got) != page(t) {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
		if got.Header.Get("Content-Type") != "text/html; charset=utf-8" || got.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %v", path, got.Header)
		}
		if again := ask(t, "GET", path, "If-None-Match", got.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %d", path, again.StatusCode)
		}
	}
}

// An unknown address is answered with the page that says so, an unknown file without a page.
func TestUnknownAddresses(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/x", "/chat/x", "/chat/1/2", "/chats", "/logins", "/patients/1", "/index.html", "/dist", "/dist/index.html", "/web.go",
		"/../web.go", "/src/main.tsx", "//", "/chat//1", "/%2e%2e/web.go",
	} {
		got := ask(t, "GET", "http://example.com"+path)
		if got.StatusCode != http.StatusNotFound || body(t, got) != page(t) || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", path, got.StatusCode, got.Header)
		}
	}
	for _, path := range []string{"/assets/", "/assets/x.js", "/assets/../web.go"} {
		got := ask(t, "GET", "http://example.com"+path)
		if got.StatusCode != http.StatusNotFound || strings.Contains(body(t, got), "<") {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/x", "/icon.svg"} {
		head, get := ask(t, "HEAD", path), ask(t, "GET", path)
		if head.StatusCode != get.StatusCode || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") || body(t, head) != "" {
			t.Errorf("HEAD %s: %d %v", path, head.StatusCode, head.Header)
		}
		for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
			if got := ask(t, method, path); got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d %v", method, path, got.StatusCode, got.Header)
			}
		}
	}
}

// Browsers keep files whose names change with their content. Each file has a content type.
func TestFilesAreServed(t *testing.T) {
	t.Parallel()
	for path, f := range load() {
		if path == "/index.html" {
			continue
		}
		got := ask(t, "GET", path)
		if got.StatusCode != 200 || body(t, got) != string(f.content) || f.kind == "application/octet-stream" {
			t.Errorf("%s: %d %s", path, got.StatusCode, f.kind)
		}
		hashed := regexp.MustCompile(`^/assets/[\w.-]+-[\w-]{8}\.\w+$`).MatchString(path)
		if forGood := strings.Contains(got.Header.Get("Cache-Control"), "immutable"); forGood != hashed {
			t.Errorf("%s: %s", path, got.Header.Get("Cache-Control"))
		}
	}
}

func TestPackedFiles(t *testing.T) {
	t.Parallel()
	plain := ask(t, "GET", "/")
	for accept, packed := range map[string]bool{
		"gzip": true, "br, GZIP;q=0.5": true, "gzip;q=0": false, "": false, "br": false, "x-gzip": false,
	} {
		for path, status := range map[string]int{"/": 200, "/x": 404} {
			got := ask(t, "GET", path, "Accept-Encoding", accept)
			if got.StatusCode != status || got.Header.Get("Content-Encoding") == "gzip" != packed || got.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%q %s: %d %v", accept, path, got.StatusCode, got.Header)
			}
			if packed && unpack(t, got.Body) != page(t) {
				t.Errorf("%q %s: the packed page is another one", accept, path)
			}
		}
		if got := ask(t, "GET", "/", "Accept-Encoding", accept); got.Header.Get("ETag") == plain.Header.Get("ETag") == packed {
			t.Errorf("%q: tag %s", accept, got.Header.Get("ETag"))
		}
	}
}

func unpack(t *testing.T, packed io.Reader) string {
	t.Helper()
	r, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestPolicyHasNoHole(t *testing.T) {
	t.Parallel()
	said := ask(t, "GET", "/").Header
	policy := said.Get("Content-Security-Policy")
	for _, hole := range []string{"unsafe", "*", "data:", "blob:", "http:", "https:", "strict-dynamic", "allow-duplicates"} {
		if strings.Contains(policy, hole) {
			t.Errorf("the policy allows %s", hole)
		}
	}
	script := sha256.Sum256([]byte(pageScript(t)))
	hash := "'sha256-" + base64.StdEncoding.EncodeToString(script[:]) + "'"
	for _, bound := range []string{"default-src 'none'", "script-src 'self' " + hash + ";", "style-src 'self'", "require-trusted-types-for 'script'", "trusted-types default", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, bound) {
			t.Errorf("the policy lacks %s", bound)
		}
	}
	if said.Get("X-Content-Type-Options") != "nosniff" || said.Get("Permissions-Policy") == "" || said.Get("Referrer-Policy") == "" {
		t.Error(said)
	}
	if missing := ask(t, "GET", "/x").Header.Get("Content-Security-Policy"); missing != policy {
		t.Errorf("where there is no page: %s", missing)
	}
}

// pageScript returns the inline script of the page, which loads the page again if files were missing.
func pageScript(t *testing.T) string {
	t.Helper()
	_, rest, begun := strings.Cut(page(t), "<script>")
	script, _, ended := strings.Cut(rest, "</script>")
	if !begun || !ended {
		t.Fatal("the page has no inline script")
	}
	return script
}

// The page contains nothing inline besides the script that the policy allows by its hash.
func TestPageHoldsNothingInline(t *testing.T) {
	t.Parallel()
	inline := regexp.MustCompile(`(?i)<script[^>]*>[^<]|<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:|https?://`)
	if found := inline.FindString(strings.Replace(page(t), pageScript(t), "", 1)); found != "" {
		t.Errorf("the page has %q", found)
	}
}

// The sources do not convert text to markup, which the policy would refuse at run time.
func TestSourcesMakeNoMarkup(t *testing.T) {
	t.Parallel()
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|\beval\(|new Function`)
	seen := 0
	err := filepath.WalkDir("src", func(name string, _ os.DirEntry, err error) error {
		if err != nil || !regexp.MustCompile(`\.tsx?$`).MatchString(name) {
			return err
		}
		seen++
		source, err := os.ReadFile(name)
		if found := markup.Find(source); found != nil {
			t.Errorf("%s: %s", name, found)
		}
		return err
	})
	if err != nil || seen == 0 {
		t.Fatalf("%d sources read: %v", seen, err)
	}
}

// The server and the application have the same addresses.
func TestAddressesAreThoseOfTheApplication(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("src/shell/pages.ts")
	if err != nil {
		t.Fatal(err)
	}
	routes := regexp.MustCompile(`route\('([^']+)'`).FindAllSubmatch(source, -1)
	for _, route := range routes {
		path := strings.NewReplacer("/:room?", "/7", "/*?", "/x/7").Replace(string(route[1]))
		if !addresses.MatchString(path) {
			t.Errorf("%s is not served", path)
		}
	}
	if len(routes) < 8 {
		t.Errorf("only %d routes were found", len(routes))
	}
}

// firstPage is the limit for the compressed files of the first page, in bytes.
const firstPage = 200_000

func TestFirstPageIsSmall(t *testing.T) {
	t.Parallel()
	files := load()
	needed := map[string]bool{"/index.html": true}
	for _, link := range regexp.MustCompile(`(?:href|src)="([^"]+)"`).FindAllStringSubmatch(page(t), -1) {
		follow(t, files, link[1], needed)
	}
	for path := range files {
		if strings.HasPrefix(path, "/assets/home-") {
			follow(t, files, path, needed)
		}
	}
	total := 0
	for path := range needed {
		content := files[path].packed()
		if content == nil {
			content = files[path].content
		}
		total += len(content)
	}
	if total > firstPage || len(needed) < 4 {
		t.Errorf("the first page takes %d bytes in %d files", total, len(needed))
	}
	t.Logf("the first page takes %d bytes in %d files", total, len(needed))
}

// follow adds a file and its static imports. Dynamic imports are loaded later.
func follow(t *testing.T, files map[string]*file, path string, needed map[string]bool) {
	t.Helper()
	f, ok := files[path]
	if !ok {
		t.Fatalf("%s is not there", path)
	}
	if needed[path] {
		return
	}
	needed[path] = true
	if !strings.HasSuffix(path, ".js") {
		return
	}
	for _, found := range regexp.MustCompile(`(?:from|import) ?["']\./([^"']+)["']`).FindAllSubmatch(f.content, -1) {
		follow(t, files, "/assets/"+string(found[1]), needed)
	}
	if bytes.Contains(f.content, []byte("leaflet")) && strings.Contains(path, "index") {
		t.Errorf("%s has the map in it", path)
	}
}

// Images of other sites, such as the tiles of a map, are allowed from the configured origins only.
func TestPicturesOfOtherSites(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	Handler(Options{Images: []string{"https://tiles.example.org"}}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	policy := w.Result().Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "img-src 'self' https://tiles.example.org;") || strings.Count(policy, "tiles.example.org") != 1 {
		t.Error(policy)
	}
}
