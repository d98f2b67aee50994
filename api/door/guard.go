package door

import (
	"errors"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"rowcall/api/problem"
	"rowcall/config/rules"
)

// NativePath is the address of the native socket.
const NativePath = "/v1/ws"

// Guard checks every request before next answers it. It refuses requests that a page of another site
// may have caused, answers CORS preflights, and sets the headers that every answer carries. It
// passes its own ResponseWriter on, so that a socket can take the connection over.
func (d *Door) Guard(next http.Handler) http.Handler { return d.guard(next, d.checkHost) }

// GuardOperators is Guard for the listener of operators, who know the machine by its addresses, as
// localhost, and by the given host names.
func (d *Door) GuardOperators(next http.Handler, hosts []string) http.Handler {
	return d.guard(next, func(r *http.Request) error { return checkOperatorsHost(r, hosts) })
}

func (d *Door) guard(next http.Handler, checkHost func(*http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secureHeaders(w.Header())
		w.Header().Add("Vary", "Origin")
		err := checkHost(r)
		if err == nil {
			err = d.checkRequest(r)
		}
		if err != nil {
			d.logRefused(r, err)
			explainRefusedOrigin(w.Header(), r, err)
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

// logRefused tells the log which page or host name was refused. The query is left out: it may hold
// credentials.
func (d *Door) logRefused(r *http.Request, err error) {
	d.log.Debug("request turned away", "method", r.Method, "path", r.URL.Path, "origin", strings.Join(r.Header.Values("Origin"), ", "),
		"host", r.Host, "from", d.Address(r), "err", err)
}

// explainRefusedOrigin lets a page of an origin that is not listed read one refusal: the answer to a
// POST to NativePath. Browsers do not show a page why a handshake failed, so the npm package asks this
// way and stops. The answer says nothing but that the origin is refused; it depends on no user.
func explainRefusedOrigin(h http.Header, r *http.Request, err error) {
	if errors.Is(err, problem.ErrOrigin) && r.Method == http.MethodPost && r.URL.Path == NativePath {
		h.Set("Access-Control-Allow-Origin", "*")
	}
}

// checkRequest returns why a request must not be answered, whatever host name it asks for.
func (d *Door) checkRequest(r *http.Request) error {
	if !d.OriginAllowed(r) {
		return problem.ErrOrigin
	}
	if tokenInURL(r) {
		return problem.ErrTokenInURL
	}
	return checkWrite(r)
}

// checkHost refuses host names by which only other sites know this machine.
func (d *Door) checkHost(r *http.Request) error {
	if !d.hostAllowed(r) {
		return problem.Explain(problem.ErrHost, "unknown host name; list the proxy in http.trusted_proxies or the page in http.origins")
	}
	return nil
}

// hostAllowed reports whether a request over the loopback interface asks for a host name of this
// machine. Another site's name that resolves to 127.0.0.1 would otherwise turn that site's pages
// into our own (DNS rebinding). On other interfaces, and behind a trusted proxy, every name is
// allowed. A request without a name comes from some health checks, and from no browser.
func (d *Door) hostAllowed(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok || !IsLoopbackAddr(local) || inAnyPrefix(peerAddress(r), d.proxies) {
		return true
	}
	asked, _ := rules.NewOrigin("http", r.Host)
	return asked.Host == "" || rules.IsLoopbackName(asked.Host) || d.origins.containsHost(asked.Host)
}

// checkOperatorsHost refuses a name that is not listed, on every interface: a page of another site
// whose name resolves to the listener's address after it was loaded would count as an operator's
// page (DNS rebinding). No name can stand in for an address, and no browser leaves the name out.
func checkOperatorsHost(r *http.Request, hosts []string) error {
	if r.Host == "" {
		return nil
	}
	asked, _ := rules.NewOrigin("http", r.Host)
	if _, err := netip.ParseAddr(asked.Host); err == nil || rules.IsLoopbackName(asked.Host) || slices.Contains(hosts, asked.Host) {
		return nil
	}
	return problem.Explain(problem.ErrHost, "unknown host name; ask by an address, or list the name in ops.hosts")
}

// IsLoopbackAddr reports whether only this machine can reach an address.
func IsLoopbackAddr(addr net.Addr) bool {
	at, err := netip.ParseAddrPort(addr.String())
	return err == nil && at.Addr().Unmap().IsLoopback()
}

// tokenInURL reports whether the query holds credentials. Addresses end up in logs, histories and
// Referer headers, so a token there has leaked already; refusing it shows that at the first try.
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

// checkWrite refuses writes that a form or a script of another site could have caused. The Origin
// header, if there is one, has been checked already. Without it, Sec-Fetch-Site must say that the
// page is ours; without both, the request must not carry a cookie. A POST needs a content type that
// forms and simple requests cannot have. PUT, PATCH and DELETE do not need it: browsers never send
// them to another site without a preflight.
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

// simpleContent reports whether a page of another site may send this content type without a preflight.
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

// allowOrigin lets a listed page read the answer. Our own pages need no permission, and requests of
// other pages have been refused before.
func (d *Door) allowOrigin(h http.Header, r *http.Request) {
	text := r.Header.Get("Origin")
	if from, ok := rules.ParseOrigin(text); ok && d.origins.contains(from) {
		h.Set("Access-Control-Allow-Origin", text)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", "Location, Retry-After")
	}
}

// preflight reports whether the request is a CORS preflight.
func preflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// allowedHeaders are the headers that a listed page may set. Rowcall reads the first three. The others
// have no effect here, but clients set them on every request: polyfills of EventSource and HTTP clients
// set Cache-Control, older libraries X-Requested-With, and pages of Django sites X-CSRFToken.
const allowedHeaders = "Authorization, Content-Type, Last-Event-ID, Cache-Control, X-Requested-With, X-CSRFToken"

// allowMethods answers a CORS preflight.
func allowMethods(w http.ResponseWriter) {
	h := w.Header()
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
		h.Set("Access-Control-Allow-Headers", allowedHeaders)
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

// secureHeaders sets the headers of every answer. Pages replace the content policy by one that
// allows their own files.
func secureHeaders(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
