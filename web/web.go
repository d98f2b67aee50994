// Package web holds the pages that the server shows, as they were built from src: one application,
// whose pages are at the addresses listed here.
//
// The files are embedded, so that a build of the server needs nothing but Go. They are served under
// a content policy that allows their own scripts, styles and connections and nothing inline, and no
// text to become markup, so text from the database cannot become code even if a page forgot to
// treat it as text.
package web

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// addresses are those of the pages. src/shell/pages.ts knows the same ones.
var addresses = regexp.MustCompile(`^/(?:(?:login|chat(?:/[0-9]+)?|patients|dams|jobs|(?:admin|console)(?:/.*)?)/?)?$`)

// Options are what a server may say about its pages.
type Options struct {
	Images []string // origins that pictures may come from besides our own, such as https://tiles.example.org
}

// Handler serves the pages: GET and HEAD of their addresses and of the files they need. Any other
// address is answered 404, with the page that says so.
func Handler(o Options) http.Handler {
	s := site{files: load(), policy: policy(o.Images)}
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

// site is the files by the path they are served at.
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
	case strings.HasPrefix(r.URL.Path, "/assets/"): // no person has asked for it
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

// policy is the Content-Security-Policy. A page's own sockets are connections to itself, which
// every browser that these pages run in understands. No style may be inline; scripts set single
// properties, which is allowed. Only the policy of src/shell/trusted.ts makes markup.
func policy(images []string) string {
	pictures := strings.Join(append([]string{"'self'"}, images...), " ")
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src " + pictures + "; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'; trusted-types default"
}

// load reads the embedded files. What is embedded can be read, so an error here is a defect.
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
