package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// file is a file of the pages, with its headers.
type file struct {
	content []byte
	packed  func() []byte // compresses with gzip at the first request; returns nil if that saves too little
	kind    string
	cache   string
	tag     string // for the ETag header, without quotes
}

// A file whose name contains a hash of its content never changes. A browser asks for other files each
// time, with the tag of its copy.
const (
	forever    = "public, max-age=31536000, immutable"
	eachTime   = "no-cache"
	worthwhile = 512 // bytes; smaller files are not compressed
)

// makeFile chooses the content type from its own list, independent of the machine's configuration.
func makeFile(at, ending string, content []byte) *file {
	kinds := map[string]string{
		".html":  "text/html; charset=utf-8",
		".css":   "text/css; charset=utf-8",
		".js":    "text/javascript; charset=utf-8",
		".json":  "application/json",
		".svg":   "image/svg+xml",
		".png":   "image/png",
		".woff2": "font/woff2",
	}
	f := &file{content: content, kind: kinds[ending], cache: eachTime}
	f.packed = sync.OnceValue(func() []byte { return pack(content) })
	if f.kind == "" {
		f.kind = "application/octet-stream"
	}
	if strings.HasPrefix(at, "/assets/") {
		f.cache = forever
	}
	sum := sha256.Sum256(content)
	f.tag = fmt.Sprintf("%x", sum[:12])
	return f
}

// pack compresses content with gzip. It returns nil if that saves less than a tenth.
func pack(content []byte) []byte {
	if len(content) < worthwhile {
		return nil
	}
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level is valid
	_, _ = w.Write(content)                                    // writing to a buffer cannot fail
	_ = w.Close()
	if packed.Len() > len(content)*9/10 {
		return nil
	}
	return packed.Bytes()
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	content, tag := f.variant(h, r)
	h.Set("ETag", `"`+tag+`"`)
	h.Set("Cache-Control", f.cache)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// serveMissing sends the page with status 404. The application sees from the address that there is no
// such page.
func (f *file) serveMissing(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	content, _ := f.variant(h, r)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(http.StatusNotFound)
	if r.Method != http.MethodHead {
		_, _ = w.Write(content) // an error means that the browser has closed the connection
	}
}

// variant returns the file's content for a browser, compressed if the browser accepts that, and its
// tag. It sets the headers that describe the content.
func (f *file) variant(h http.Header, r *http.Request) (content []byte, tag string) {
	h.Set("Content-Type", f.kind)
	h.Add("Vary", "Accept-Encoding")
	if !takesGzip(r.Header.Get("Accept-Encoding")) {
		return f.content, f.tag
	}
	packed := f.packed()
	if packed == nil {
		return f.content, f.tag
	}
	h.Set("Content-Encoding", "gzip")
	return packed, f.tag + "-gzip"
}

// takesGzip returns whether a value of Accept-Encoding accepts gzip: it is listed with a weight above
// zero.
func takesGzip(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		name, weight, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
			return err != nil || q > 0
		}
	}
	return false
}
