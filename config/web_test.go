package config

import (
	"strings"
	"testing"

	"rowcall/config/rules"
)

func TestTilesComeFromOneOrigin(t *testing.T) {
	t.Parallel()
	for tiles, origin := range map[string]string{
		"":                                     "",
		"/tiles/{z}/{x}/{y}.png":               "",
		"https://tile.example/{z}/{x}/{y}":     "https://tile.example",
		"https://a.example:8443/{z}/{y}/{x}":   "https://a.example:8443",
		"https://a.example/?z={z}&x={x}&y={y}": "https://a.example",
		"http://127.0.0.1:9000/{z}/{x}/{y}":    "http://127.0.0.1:9000",
		"http://[::1]:9000/{z}/{x}/{y}":        "http://[::1]:9000",
	} {
		w := Web{Tiles: tiles}
		if tiles != "" {
			w.Attribution = "a map"
		}
		var p rules.Problems
		if w.check(&p); len(p) > 0 {
			t.Errorf("%s: %v", tiles, p)
		}
		if got := w.TilesOrigin(); got != origin {
			t.Errorf("%s: browsers are allowed %q, want %q", tiles, got, origin)
		}
	}
}

// A host that is wrong here would be wrong in the content policy of the pages too.
func TestTilesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, tiles := range []string{
		"tiles/{z}/{x}/{y}", "https://a.example/{z}/{x}.png", "https://a.example/{z}/{x}/{y}/{y}", "https://{s}.a.example/{z}/{x}/{y}",
		"https://a.example/{z}/{x}/{y}{r}", "http://a.example/{z}/{x}/{y}", "https://*.example/{z}/{x}/{y}", "https://a;script-src/{z}/{x}/{y}",
		"https://a,b/{z}/{x}/{y}", "https://me:secret@a.example/{z}/{x}/{y}", "data:image/png,{z}{x}{y}", "//a.example/{z}/{x}/{y}",
		"https://a.example/#{z}{x}{y}", "https:///{z}/{x}/{y}", "https://a b/{z}/{x}/{y}", "ftp://a.example/{z}/{x}/{y}",
	} {
		var p rules.Problems
		Web{Tiles: tiles, Attribution: "a map"}.check(&p)
		if len(p) != 1 || !strings.HasPrefix(p[0].String(), "web.tiles: ") {
			t.Errorf("%s: %v", tiles, p)
		}
	}
}

func TestTilesAndTheirAttributionGoTogether(t *testing.T) {
	t.Parallel()
	for _, w := range []Web{{Tiles: "/{z}/{x}/{y}"}, {Attribution: "a map"}} {
		var p rules.Problems
		if w.check(&p); len(p) != 1 || !strings.HasPrefix(p[0].String(), "web.attribution: ") {
			t.Errorf("%+v: %v", w, p)
		}
	}
}
