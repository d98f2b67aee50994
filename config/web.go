package config

import (
	"net/url"
	"strings"

	"rowcall/config/rules"
)

// Web configures the map of the pages.
type Web struct {
	Tiles       string `mapstructure:"tiles"`       // address of the tiles, with {z}, {x} and {y}; empty: the built-in basemap
	Attribution string `mapstructure:"attribution"` // the text on the map that names the makers of the tiles
}

// TilesOrigin returns the origin that browsers must be allowed to read tiles from. It is empty if the
// tiles come from this server.
func (w Web) TilesOrigin() string {
	u, err := url.Parse(w.Tiles)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func (w Web) check(p *rules.Problems) {
	p.Require(w.Tiles == "" || isTiles(w.Tiles), "web.tiles",
		"%q is no address of tiles: write https://host/{z}/{x}/{y}.png (http only on this machine), or /path/{z}/{x}/{y}.png", w.Tiles)
	p.Require(w.Tiles == "" || w.Attribution != "", "web.attribution", "is missing: name those whose map web.tiles shows")
	p.Require(w.Tiles != "" || w.Attribution == "", "web.attribution", "is of no use without web.tiles")
}

// isTiles reports whether text is an address on one host, or on this server, with {z}, {x} and {y} once
// each in its path or query.
func isTiles(text string) bool {
	rest := text
	for _, part := range []string{"{z}", "{x}", "{y}"} {
		if strings.Count(text, part) != 1 {
			return false
		}
		rest = strings.Replace(rest, part, "", 1)
	}
	u, err := url.Parse(text)
	if err != nil || strings.ContainsAny(rest, "{}#") {
		return false
	}
	here := u.Scheme == "" && u.Host == "" && strings.HasPrefix(text, "/")
	return here || u.User == nil && isTileHost(u)
}

// isTileHost reports whether tiles may come from a host. The host becomes part of the content policy
// of the pages, in which a star or a semicolon would have a meaning.
func isTileHost(u *url.URL) bool {
	odd := func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789.-:[]", r) }
	secure := u.Scheme == "https" || u.Scheme == "http" && rules.IsLoopback(u.Hostname())
	return secure && u.Hostname() != "" && !strings.ContainsFunc(u.Host, odd)
}
