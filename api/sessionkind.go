package api

import (
	"net/netip"
	"time"

	"rowcall/api/identity"
)

// sessionKind is how a session speaks.
type sessionKind string

const (
	sessionNative sessionKind = "native"
	sessionPlain  sessionKind = "plain"
	sessionDCRF   sessionKind = "dcrf"
	sessionStream sessionKind = "sse"
)

func sessionKinds() []sessionKind {
	return []sessionKind{sessionNative, sessionPlain, sessionDCRF, sessionStream}
}

// presence is an open session as staff may know it. Nothing of it changes.
type presence struct {
	name    string
	kind    sessionKind
	who     identity.Identity
	as      string // id of the user whose events a tail shows; empty: it shows its own
	address netip.Addr
	since   time.Time
	follows func() []subscription // what it is subscribed to at the moment
}
