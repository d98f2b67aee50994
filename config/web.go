package config

import (
	"net/url"
	"strings"

	"rowcall/config/rules"
)

// Web says how the pages look.
type Web struct {
	Tiles       string `mapstructure:"tiles"`       // of the map: an address with {z}, {x} and {y}; none: the basemap that is built in
	Attribution string `mapstructure:"attribution"` // of the tiles: whom the map names
}

// TilesOrigin is where browsers have to be allowed to read tiles from, besides this server itself.
// It is empty where that is nowhere else.
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

// isTiles reports whether text is an address on one host, or on this server, with the three parts that
// vary in its path or query.
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

// isTileHost reports whether tiles may come from there. The host stands in the content policy of the
// pages, where a star or a semicolon would mean more than a host.
func isTileHost(u *url.URL) bool {
	odd := func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789.-:[]", r) }
	secure := u.Scheme == "https" || u.Scheme == "http" && rules.IsLoopback(u.Hostname())
	return secure && u.Hostname() != "" && !strings.ContainsFunc(u.Host, odd)
}
