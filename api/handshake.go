package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/api/door"
	"rowcall/api/identity"
	"rowcall/api/problem"
)

// handshakeWait bounds each question to the database before a handshake is answered.
const handshakeWait = 5 * time.Second

// handshakes admits requests that are to become sockets or streams.
type handshakes struct {
	door     *door.Door
	accounts *identity.Accounts
	registry *sessionRegistry
	metrics  *Metrics
	log      *slog.Logger
}

// admission is a request that may become a socket or a stream. Until it is closed it takes one of
// the places that the door counts, and the node does not stop.
type admission struct {
	identity identity.Identity
	address  netip.Addr
	unknown  error // why the identity is not known: problem.ErrUnauthorized, or an error of the database

	releases []func() // what Close does, in reverse order
	adopted  bool
}

// admit counts a handshake and identifies the user. The error refuses the request with an HTTP status.
// The caller must close the admission.
func (h *handshakes) admit(r *http.Request) (*admission, error) {
	leave, err := h.registry.enterRequest()
	if err != nil {
		return nil, err
	}
	in, err := h.identifyEntered(r, leave)
	if err != nil {
		leave()
	}
	return in, err
}

func (h *handshakes) identifyEntered(r *http.Request, leave func()) (*admission, error) {
	if err := h.door.AdmitHandshake(r); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), handshakeWait)
	defer cancel()
	who, unknown := h.accounts.Identify(ctx, r)
	address := h.door.Address(r)
	releasePlace, err := h.door.AdmitSocket(address, who.User)
	if err != nil {
		return nil, err
	}
	return &admission{identity: who, address: address, unknown: unknown, releases: []func(){leave, releasePlace}}, nil
}

// refuse answers a handshake that does not become a socket or a stream.
func (h *handshakes) refuse(w http.ResponseWriter, r *http.Request, kind sessionKind, err error) {
	h.metrics.countHandshake(kind, err)
	problem.Refuse(w, r, h.log, err)
}

// releaseLater has Close call release too, before what was given to it earlier.
func (a *admission) releaseLater(release func()) { a.releases = append(a.releases, release) }

// Close releases all that the admission holds, unless another owner has adopted it.
func (a *admission) Close() {
	if !a.adopted {
		a.release()
	}
}

// Adopt passes the admission to an owner that outlives the request. From now on Close does nothing,
// and the new owner must call release.
func (a *admission) Adopt() (release func()) {
	a.adopted = true
	return a.release
}

func (a *admission) release() {
	for i := len(a.releases) - 1; i >= 0; i-- {
		a.releases[i]()
	}
}

// newUpgrader returns an upgrader that knows no extension: a compressed message would be counted before
// it is decompressed, and events are encoded once for all sockets. The read buffer is small, because
// each of ten thousand idle sockets has one; gorilla writes nothing that needs the write buffer.
func newUpgrader(log *slog.Logger) *websocket.Upgrader {
	return &websocket.Upgrader{
		ReadBufferSize:  512,
		WriteBufferPool: new(sync.Pool),
		CheckOrigin:     func(*http.Request) bool { return true }, // the door has checked it
		Error: func(w http.ResponseWriter, r *http.Request, _ int, _ error) {
			problem.Refuse(w, r, log, problem.Explain(problem.ErrBadRequest, "this is no WebSocket handshake"))
		},
	}
}

// subprotocolHeader returns the header that chooses a subprotocol for a handshake; nil if the page
// offers none that may be chosen. Native sockets choose their own. Otherwise the first that is offered is
// chosen, also for a socket that is closed at once: a browser fails a handshake of which it has offered
// subprotocols and none is chosen, and the page then sees 1006 instead of the close code. Frames are the
// same whatever is chosen.
func subprotocolHeader(kind sessionKind, r *http.Request) http.Header {
	offered := identity.OfferedSubprotocols(r)
	switch {
	case len(offered) == 0:
		return nil
	case kind == sessionNative && slices.Contains(offered, nativeSubprotocol):
		return http.Header{"Sec-Websocket-Protocol": {nativeSubprotocol}}
	}
	return http.Header{"Sec-Websocket-Protocol": {offered[0]}}
}
