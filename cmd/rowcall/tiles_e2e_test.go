package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// visit reads a page, as far as tiles matter: what the content policy says of pictures, and what the
// page is told.
func visit(t *testing.T, pages string) (pictures string, tiles map[string]string) {
	t.Helper()
	page, err := http.Get(pages + "dams")
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	for part := range strings.SplitSeq(page.Header.Get("Content-Security-Policy"), "; ") {
		if rest, found := strings.CutPrefix(part, "img-src "); found {
			pictures = rest
		}
	}
	session, err := http.Get(pages + "api/session")
	if err != nil {
		t.Fatal(err)
	}
	defer session.Body.Close()
	var told struct{ Tiles map[string]string }
	if err := json.NewDecoder(session.Body).Decode(&told); err != nil {
		t.Fatal(err)
	}
	return pictures, told.Tiles
}

// Without a server of tiles nothing is read from elsewhere; with one, pictures are, and from there only.
func TestMapTiles(t *testing.T) {
	t.Parallel()
	s := openSite(t, nil)
	if pictures, tiles := visit(t, s.pages); pictures != "'self'" || tiles != nil {
		t.Errorf("without tiles: pictures from %q, the page is told %v", pictures, tiles)
	}
	s.env["ROWCALL_WEB_TILES"] = "https://tiles.example.org/{z}/{x}/{y}.png?key=k"
	s.env["ROWCALL_WEB_ATTRIBUTION"] = "© somebody"
	pictures, tiles := visit(t, s.another(t).pages)
	if pictures != "'self' https://tiles.example.org" {
		t.Errorf("with tiles: pictures from %q", pictures)
	}
	if tiles["url"] != s.env["ROWCALL_WEB_TILES"] || tiles["attribution"] != "© somebody" {
		t.Errorf("the page is told %v", tiles)
	}
}
