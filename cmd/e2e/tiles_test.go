package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

// visit loads the map's page. It returns the sources of pictures that the content policy allows,
// and what the page is told about tiles.
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

// TestMapTiles checks that without a tile server the page loads nothing from other hosts, and with
// one only pictures, from that host alone.
func TestMapTiles(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	if pictures, tiles := visit(t, s.Pages); pictures != "'self'" || tiles != nil {
		t.Errorf("without tiles: pictures from %q, the page is told %v", pictures, tiles)
	}
	s.Env["ROWCALL_WEB_TILES"] = "https://tiles.example.org/{z}/{x}/{y}.png?key=k"
	s.Env["ROWCALL_WEB_ATTRIBUTION"] = "© somebody"
	pictures, tiles := visit(t, s.StartAnother(t).Pages)
	if pictures != "'self' https://tiles.example.org" {
		t.Errorf("with tiles: pictures from %q", pictures)
	}
	if tiles["url"] != s.Env["ROWCALL_WEB_TILES"] || tiles["attribution"] != "© somebody" {
		t.Errorf("the page is told %v", tiles)
	}
}
