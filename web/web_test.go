package web

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestPageAndItsFilesAreServed(t *testing.T) {
	t.Parallel()
	for path, kind := range map[string]string{
		"/":          "text/html; charset=utf-8",
		"/page.css":  "text/css; charset=utf-8",
		"/page.js":   "text/javascript; charset=utf-8",
		"/follow.js": "text/javascript; charset=utf-8",
		"/icon.svg":  "image/svg+xml",
	} {
		got := get(t, path)
		if got.StatusCode != 200 || got.Header.Get("Content-Type") != kind {
			t.Errorf("%s: %d %q", path, got.StatusCode, got.Header.Get("Content-Type"))
		}
		if got.Header.Get("Content-Security-Policy") != policy || got.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, got.Header)
		}
		if again := get(t, path, "If-None-Match", got.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %d", path, again.StatusCode)
		}
	}
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/index.html", "/static", "/static/", "/static/page.js", "/web.go", "/../web.go", "/page.js/", "//page.js", "/x"} {
		if got := get(t, "http://example.com"+path); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
		t.Errorf("POST: %d %v", w.Code, w.Header())
	}
}

func TestPolicyHasNoHole(t *testing.T) {
	t.Parallel()
	for _, hole := range []string{"unsafe", "*", "data:", "blob:", "http:", "https:", "strict-dynamic"} {
		if strings.Contains(policy, hole) {
			t.Errorf("the policy allows %s", hole)
		}
	}
}

// What the policy would refuse must not be in the files, and neither what makes markup of text.
func TestFilesHoldNothingInline(t *testing.T) {
	t.Parallel()
	markup := regexp.MustCompile(`(?i)<script[^>]*>[^<]|<style|\sstyle\s*=|\son[a-z]+\s*=|"javascript:|https?://`)
	script := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|\.style\b|localStorage`)
	for path, f := range load() {
		if strings.HasSuffix(path, "/") && markup.Match(f.content) {
			t.Errorf("%s: %q", path, markup.Find(f.content))
		}
		if strings.HasSuffix(path, ".js") && script.Match(f.content) {
			t.Errorf("%s: %q", path, script.Find(f.content))
		}
	}
}

// Every file that the page names is there.
func TestLinksLead(t *testing.T) {
	t.Parallel()
	files := load()
	links := regexp.MustCompile(`(?:href|src)="([^"]+)"`).FindAllSubmatch(files["/"].content, -1)
	for _, link := range append(links, regexp.MustCompile(`from '\.(/[^']+)'`).FindAllSubmatch(files["/page.js"].content, -1)...) {
		if _, ok := files[string(link[1])]; !ok {
			t.Errorf("%s is not there", link[1])
		}
	}
	if len(links) == 0 {
		t.Error("the page has no links")
	}
}
