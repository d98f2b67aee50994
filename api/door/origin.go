package door

import (
	"net/http"

	"rowcall/config/rules"
)

// originList is a set of origins. The port of an entry may be rules.AnyPort.
type originList map[rules.Origin]struct{}

// parseOriginPatterns reads a list of the configuration. The error names the entry that is wrong.
func parseOriginPatterns(texts []string) (originList, error) {
	list := make(originList, len(texts))
	for _, text := range texts {
		entry, err := rules.ParseOriginPattern(text)
		if err != nil {
			return nil, err
		}
		list[entry] = struct{}{}
	}
	return list, nil
}

func (o originList) contains(from rules.Origin) bool {
	if _, ok := o[from]; ok {
		return true
	}
	from.Port = rules.AnyPort
	_, ok := o[from]
	return ok
}

// containsHost reports whether an origin of the list has this host.
func (o originList) containsHost(host string) bool {
	for entry := range o {
		if entry.Host == host {
			return true
		}
	}
	return false
}

// ownOrigin returns the origin of our own pages as the browser that sent the request sees it.
func (d *Door) ownOrigin(r *http.Request) rules.Origin {
	scheme := "http"
	if d.Secure(r) {
		scheme = "https"
	}
	self, _ := rules.NewOrigin(scheme, d.requestedHost(r))
	return self
}

// IsOwnOrigin reports whether a request comes from our own page, or from no page at all. Unlike for OriginAllowed, a page of
// the allowed origins is another's.
func (d *Door) IsOwnOrigin(r *http.Request) bool {
	sent := r.Header.Values("Origin")
	if len(sent) == 0 {
		return true
	}
	from, ok := rules.ParseOrigin(sent[0])
	return len(sent) == 1 && ok && from == d.ownOrigin(r)
}
