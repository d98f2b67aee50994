// Package web holds the pages that the server shows: for now one, which logs in, follows a topic
// and prints its events as they arrive.
//
// The files are embedded. They are served under a content policy that allows their own scripts,
// styles and connections and nothing inline, so text from the database cannot become code even if
// a page forgot to treat it as text.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"time"
)

//go:embed static
var static embed.FS

// policy is the Content-Security-Policy of the pages.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// file is one file of a page, with the headers it is served with.
type file struct {
	content []byte
	kind    string
	tag     string // ETag
}

// Handler serves the pages: GET and HEAD of / and of the files it needs, and nothing else.
func Handler() http.Handler {
	files := load()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		asked.serve(w, r)
	})
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache") // ask each time, with the tag
	h.Set("ETag", f.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
}

// load reads the embedded files by the path they are served at. What is embedded can be read, so an
// error here is a defect.
func load() map[string]file {
	files := map[string]file{}
	entries, err := fs.ReadDir(static, "static")
	if err != nil {
		panic(err)
	}
	for _, entry := range entries {
		content, err := fs.ReadFile(static, path.Join("static", entry.Name()))
		if err != nil {
			panic(err)
		}
		files["/"+entry.Name()] = makeFile(entry.Name(), content)
	}
	files["/"] = files["/index.html"]
	delete(files, "/index.html")
	return files
}

// makeFile names the content type itself: what the machine believes of endings does not matter.
func makeFile(name string, content []byte) file {
	kinds := map[string]string{
		".html": "text/html; charset=utf-8",
		".css":  "text/css; charset=utf-8",
		".js":   "text/javascript; charset=utf-8",
		".svg":  "image/svg+xml",
	}
	sum := sha256.Sum256(content)
	return file{content: content, kind: kinds[path.Ext(name)], tag: fmt.Sprintf(`"%x"`, sum[:12])}
}
