package api

import (
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"rowcall/api/problem"
)

// Guard stands in front of everything that is served. It refuses what a page of another site may
// have made a browser send, answers CORS preflights, and sets the headers that every answer
// carries. It hands on the ResponseWriter it was given, so that sockets can be taken over.
func (d *Door) Guard(next http.Handler) http.Handler { return d.guard(next, d.checkHost) }

// guard is Guard with another say in what names the machine is asked for by.
func (d *Door) guard(next http.Handler, checkHost func(*http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secureHeaders(w.Header())
		w.Header().Add("Vary", "Origin")
		err := checkHost(r)
		if err == nil {
			err = d.check(r)
		}
		if err != nil {
			problem.Write(w, err)
			return
		}
		d.allowOrigin(w.Header(), r)
		if preflight(r) {
			allowMethods(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// check returns why a request must not be answered, whatever the name it came by.
func (d *Door) check(r *http.Request) error {
	if !d.OriginAllowed(r) {
		return problem.ErrOrigin
	}
	if tokenInURL(r) {
		return problem.ErrTokenInURL
	}
	return checkWrite(r)
}

// checkHost refuses names that only others give this machine.
func (d *Door) checkHost(r *http.Request) error {
	if !d.hostAllowed(r) {
		return problem.Explain(problem.ErrHost, "unknown host name; list the proxy in http.trusted_proxies or the page in http.origins")
	}
	return nil
}

// hostAllowed reports whether a request that came over the loopback interface is meant for it. A
// name of another site that resolves to 127.0.0.1 would otherwise make that site's pages our own
// (DNS rebinding). Elsewhere, and behind a trusted proxy, any name will do; no name at all is what
// some health checks send, and no browser.
func (d *Door) hostAllowed(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok || !loopbackAddr(local) || within(peer(r), d.proxies) {
		return true
	}
	asked, _ := makeOrigin("http", r.Host)
	return asked.host == "" || loopback(asked.host) || d.origins.hosts(asked.host)
}

func loopbackAddr(addr net.Addr) bool {
	at, err := netip.ParseAddrPort(addr.String())
	return err == nil && at.Addr().Unmap().IsLoopback()
}

// tokenInURL finds credentials in the query. Addresses end up in logs, histories and Referer
// headers, so a token there is lost already; refusing it makes that known at the first try.
func tokenInURL(r *http.Request) bool {
	if r.URL.RawQuery == "" {
		return false
	}
	for name := range r.URL.Query() {
		switch strings.ToLower(name) {
		case "token", "access_token", "id_token", "auth_token", "jwt", "bearer", "authorization", "password":
			return true
		}
	}
	return false
}

// checkWrite refuses writes that a form or a script of another site could have caused. A listed
// or own Origin has been checked already. Without one, Sec-Fetch-Site must say that the page is
// ours; with neither, no cookie may come along. A POST needs a content type that forms and simple
// requests cannot have, which PUT, PATCH and DELETE do not need: they are never sent unasked.
func checkWrite(r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	if r.Header.Get("Origin") == "" && !fromOwnPage(r) {
		return problem.Explain(problem.ErrForged, "a write with a cookie needs an Origin header")
	}
	if r.Method == http.MethodPost && simpleContent(r) {
		return problem.Explain(problem.ErrForged, "a write needs the content type application/json")
	}
	return nil
}

func fromOwnPage(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin":
		return true
	case "":
		return r.Header.Get("Cookie") == ""
	}
	return false
}

// simpleContent reports whether a page of another site may send this content type without asking.
func simpleContent(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return true
	}
	switch kind {
	case "application/x-www-form-urlencoded", "multipart/form-data", "text/plain":
		return true
	}
	return false
}

// allowOrigin lets a listed page read the answer. Our own pages need no leave, and an origin that
// is not listed never gets here.
func (d *Door) allowOrigin(h http.Header, r *http.Request) {
	text := r.Header.Get("Origin")
	if from, ok := parseOrigin(text); ok && d.origins.contain(from) {
		h.Set("Access-Control-Allow-Origin", text)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", "Location, Retry-After")
	}
}

// preflight reports whether a browser asks what a page may do.
func preflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

func allowMethods(w http.ResponseWriter) {
	h := w.Header()
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID")
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

// secureHeaders are for every answer. Pages replace the content policy by one that lets their own
// files through.
func secureHeaders(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
