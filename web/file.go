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

// file is one file of the pages, with the headers it is served with.
type file struct {
	content []byte
	packed  func() []byte // by gzip, when somebody first asks for it; nil where that gains nothing
	kind    string
	cache   string
	tag     string // of ETag, without quotes
}

// Files whose names hold a hash of their content never change; others are asked for each time,
// with the tag of what the browser has.
const (
	forever    = "public, max-age=31536000, immutable"
	eachTime   = "no-cache"
	worthwhile = 512 // bytes; smaller files are not packed
)

// makeFile names the content type itself: what the machine believes of endings does not matter.
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

// pack returns nil where the packed file would not be smaller by a tenth.
func pack(content []byte) []byte {
	if len(content) < worthwhile {
		return nil
	}
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level exists
	_, _ = w.Write(content)                                    // a buffer takes everything
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

// serveMissing sends the page with status 404. The page finds out by its address what to show.
func (f *file) serveMissing(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	content, _ := f.variant(h, r)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(http.StatusNotFound)
	if r.Method != http.MethodHead {
		_, _ = w.Write(content) // an error means that the browser has gone
	}
}

// variant chooses the form of the file that the browser understands, and says so in the headers.
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

// takesGzip reads Accept-Encoding: gzip is named, and not refused by a weight of nothing.
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
