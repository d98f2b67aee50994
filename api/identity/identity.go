// Package identity finds out whose a request is. [Accounts] logs users in and out, finds the [Identity]
// behind a cookie, a bearer token or the cookie of a Django site, and tells whether identities that
// were found earlier still hold ([Accounts.Current]).
//
// The record behind a cookie is called a login here. A session is an open socket, which other packages
// serve. Only names outside keep the older word: the cookie rowcall_session, the table
// rowcall.sessions and the address /api/session. A row of Django's table is a Django session.
package identity

import (
	"time"

	"rowcall/notifier"
)

// Identity is the user of a request or of an open socket. The zero Identity is anonymous.
type Identity struct {
	User  string // user id, in decimal if ids are numbers; empty if anonymous
	Name  string // username
	Login string // the name of the login, which cannot be used as a token; empty with a bearer token
	Alias string // the name that triggers give a login whose user they do not know; empty: they know it
	Staff bool

	// The fields of a bearer token; all are zero for a login.
	Subject string    // the claim sub
	Until   time.Time // when it has expired, leeway included
	Claims  string    // all claims as JSON; empty unless Options.KeepClaims is set
}

// Anonymous reports whether nobody is logged in.
func (i Identity) Anonymous() bool { return i.User == "" }

// Follower returns the identity in the form that the feed knows.
func (i Identity) Follower() notifier.Follower {
	return notifier.Follower{User: i.User, Session: i.Login, Alias: i.Alias, Staff: i.Staff, Claims: i.Claims}
}

// borrowed is the Login of an identity from Accounts.Borrow.
const borrowed = "(borrowed)"

// Borrowed reports whether the identity comes from Accounts.Borrow.
func (i Identity) Borrowed() bool { return i.Login == borrowed }
