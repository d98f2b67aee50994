// Package web has the pages of the server, built from src. They are one application, with a page at
// each of the addresses listed here.
//
// The files are embedded, so a build of the server needs only Go. They are served with a content
// policy that allows their own scripts, styles and connections, one inline script by its hash, and no
// conversion of text to markup. Text from the database cannot become code, even if a page treated it as markup by
// mistake.
package web

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// addresses matches the addresses of the pages. src/shell/pages.ts has the same ones.
var addresses = regexp.MustCompile(`^/(?:(?:login|chat(?:/[0-9]+)?|patients|dams|jobs|live|(?:admin|console)(?:/.*)?)/?)?$`)

// Options configures the pages.
type Options struct {
	Images []string // origins of images besides the server's own, such as https://tiles.example.org
}

// Handler serves GET and HEAD requests for the pages and their files. It answers any other address
// with 404 and a page that says so.
func Handler(o Options) http.Handler {
	files := load()
	s := site{files: files, policy: policy(o.Images, files["/index.html"].content)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		s.headers(w.Header())
		s.serve(w, r)
	})
}

// site serves the files, by their paths.
type site struct {
	files  map[string]*file
	policy string
}

func (s site) serve(w http.ResponseWriter, r *http.Request) {
	page := s.files["/index.html"]
	asked, isFile := s.files[r.URL.Path]
	switch {
	case addresses.MatchString(r.URL.Path):
		page.serve(w, r)
	case isFile && asked != page:
		asked.serve(w, r)
	case strings.HasPrefix(r.URL.Path, "/assets/"): // not requested by a person: no page is needed
		http.NotFound(w, r)
	default:
		page.serveMissing(w, r)
	}
}

func (s site) headers(h http.Header) {
	h.Set("Content-Security-Policy", s.policy)
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
}

// policy returns the Content-Security-Policy. connect-src 'self' includes the page's own WebSockets in
// every browser that the pages support. The only inline script is the one of the page, which its hash
// names. Styles may not be inline, but scripts may set single properties. Only the policy in
// src/shell/trusted.ts creates markup.
func policy(images []string, page []byte) string {
	scripts := strings.Join(append([]string{"'self'"}, inlineHashes(page)...), " ")
	pictures := strings.Join(append([]string{"'self'"}, images...), " ")
	return "default-src 'none'; script-src " + scripts + "; style-src 'self'; img-src " + pictures + "; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'; trusted-types default"
}

var inlineScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

// inlineHashes returns the sources that allow the inline scripts of a page in a Content-Security-Policy.
func inlineHashes(page []byte) []string {
	var hashes []string
	for _, script := range inlineScript.FindAllSubmatch(page, -1) {
		sum := sha256.Sum256(script[1])
		hashes = append(hashes, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	return hashes
}

// load reads the embedded files. Embedded files can always be read: an error is a defect, and panics.
func load() map[string]*file {
	files := map[string]*file{}
	err := fs.WalkDir(dist, "dist", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := dist.ReadFile(name)
		if err == nil {
			at := strings.TrimPrefix(name, "dist")
			files[at] = makeFile(at, path.Ext(name), content)
		}
		return err
	})
	if err != nil {
		panic(err)
	}
	return files
}
