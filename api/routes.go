package api

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/gorilla/websocket"

	"rowcall/api/access"
	"rowcall/api/door"
	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/api/resource"
	"rowcall/config/rules"
)

// nativePath is the address of the native protocol.
const nativePath = door.NativePath

// handlers answer the requests of a server.
type handlers struct {
	accounts *identity.Accounts
	vigil    *vigil
	requests *requestLimits
	sockets  *socketServer
	table    *socketTable
	topics   *topicRequests
	streams  *streamHandler
	console  *console
	log      *slog.Logger
}

// routes sends handshakes to their sockets, and all other requests to a mux. The mux would redirect
// some spellings of a path, and a WebSocket does not follow redirects.
func (h *handlers) routes(o Options) http.Handler {
	requests := h.requests.limit(h.addressMux(o))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pattern, spoken := h.table.at(r.URL.EscapedPath())
		switch {
		case spoken == nil && websocket.IsWebSocketUpgrade(r):
			refuseUnknownAddress(w, r, h.log)
		case spoken == nil:
			requests.ServeHTTP(w, r)
		case !websocket.IsWebSocketUpgrade(r):
			problem.Refuse(w, r, h.log, problem.Explain(problem.ErrBadRequest, "this address speaks WebSocket only"))
		default:
			r.Pattern = pattern // as the mux sets it for other requests
			h.sockets.serve(w, r, spoken)
		}
	})
}

// addressMux returns a mux of all addresses but those of sockets.
func (h *handlers) addressMux(o Options) http.Handler {
	a := &addresses{mux: http.NewServeMux(), log: h.log}
	a.handle("POST", "/api/login", h.accounts.Login)
	a.handle("POST", "/api/logout", h.logOut)
	a.handle("POST", "/api/code", h.accounts.RedeemCode)
	a.handle("GET", "/api/me", h.accounts.Me)
	a.handle("GET", "/api/session", serveSession(h.accounts, o.Site, h.log))
	a.handle("GET", streamPath, h.streams.ServeHTTP)
	a.handle("GET", eventsPath, (&eventsHandler{h.topics, h.vigil}).ServeHTTP)
	a.handle("GET", topicPath+"{topic...}", h.topics.serveTopic)
	if o.Health != nil {
		a.handle("GET", "/healthz", o.Health.Alive)
		a.handle("GET", "/readyz", o.Health.Ready)
	}
	o.Resources.Routes(a.mux, h.accounts.Require)
	o.Functions.Routes(a.mux, h.accounts.Require)
	a.handle("GET", "/api/tables", serveTables(h.accounts, o.Tables))
	h.console.routes(a)
	a.handle("GET", tailPath, (&tailHandler{h.streams}).ServeHTTP)
	a.mux.HandleFunc("/api/", a.notFound)
	a.mux.HandleFunc("/v1/", a.notFound)
	if o.Pages != nil {
		a.mux.Handle("/", servePages(o.Pages, h.requests.deadlines))
	} else {
		a.mux.HandleFunc("/", a.notFound)
	}
	return a.mux
}

// logOut ends a login, and its sockets on this node.
func (h *handlers) logOut(w http.ResponseWriter, r *http.Request) {
	login := h.accounts.LoginName(r)
	h.accounts.Logout(w, r)
	if login != "" {
		h.vigil.endLogin(login)
	}
}

// addresses is a mux that refuses the methods that an address does not have.
type addresses struct {
	mux *http.ServeMux
	log *slog.Logger
}

// handle has one method at a path answered. Other methods are refused with its name.
func (a *addresses) handle(method, path string, answer http.HandlerFunc) {
	a.mux.HandleFunc(method+" "+path, answer)
	a.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		problem.Refuse(w, r, a.log, problem.NotAllowed(w, method))
	})
}

func (a *addresses) notFound(w http.ResponseWriter, r *http.Request) {
	refuseUnknownAddress(w, r, a.log)
}

func refuseUnknownAddress(w http.ResponseWriter, r *http.Request, log *slog.Logger) {
	problem.Refuse(w, r, log, problem.Explain(problem.ErrNotFound, "there is nothing at this address"))
}

// socketTable knows the protocol of each address of sockets.
type socketTable struct {
	native nativeProtocol
	plain  []*plainSocket
	dcrf   []*dcrfSocket
}

// at returns the protocol of a path that is not decoded, and the pattern that the path matches; nil if there is no
// socket.
func (t *socketTable) at(path string) (pattern string, spoken protocol) {
	if strings.TrimSuffix(path, "/") == nativePath {
		return nativePath, t.native
	}
	for _, candidate := range t.plain {
		if values, ok := candidate.path.MatchPath(path); ok {
			return candidate.path.String(), plainProtocol{candidate, values}
		}
	}
	for _, candidate := range t.dcrf {
		if _, ok := candidate.path.MatchPath(path); ok {
			return candidate.path.String(), dcrfProtocol{candidate, t.native.accounts}
		}
	}
	return "", nil
}

// compileSockets checks the rules and compiles them. The error is a rules.Problems.
func compileSockets(sources []rules.Socket, topics *access.Rules, resources *resource.Resources) ([]*plainSocket, []*dcrfSocket, error) {
	var wrong rules.Problems
	rules.CheckSockets(sources, topics.Sources(), resources.Sources(), &wrong)
	if err := wrong.Err(); err != nil {
		return nil, nil, err
	}
	var plain []*plainSocket
	var dcrf []*dcrfSocket
	for _, source := range sources {
		if source.ServesResources() {
			dcrf = append(dcrf, compileDCRFSocket(source, resources))
		} else {
			plain = append(plain, compilePlainSocket(source))
		}
	}
	return plain, dcrf, nil
}
