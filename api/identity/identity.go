// Package identity finds out whose a request is. [Accounts] logs users in and out, finds the [Identity]
// behind a cookie, a bearer token or the cookie of a Django site, and tells whether identities that
// were found earlier still hold ([Accounts.Current]).
//
// What a cookie stands for is called a login here. A session is an open socket, which other packages
// serve. Only names outside keep the older word: the cookie rowcall_session, the table
// rowcall.sessions and the address /api/session. A row of Django's table is a Django session.
package identity

import (
	"time"

	"rowcall/notifier"
)

// Identity is the user of a request or of an open socket. The zero Identity is anonymous.
type Identity struct {
	User  string // user id, in decimal where ids are numbers; empty when anonymous
	Name  string // username
	Login string // names the login it comes from without being of use as a token; empty for a token
	Alias string // what triggers call the login where they do not know its user; empty: they do
	Staff bool

	// Of a bearer token; both are empty for a login.
	Subject string    // what it says of the user
	Until   time.Time // when it has run out, for certain
}

// Anonymous reports whether nobody is logged in.
func (i Identity) Anonymous() bool { return i.User == "" }

// Follower is the identity as the feed knows it.
func (i Identity) Follower() notifier.Follower {
	return notifier.Follower{User: i.User, Session: i.Login, Alias: i.Alias, Staff: i.Staff}
}

// borrowed is the login of a borrowed identity.
const borrowed = "(borrowed)"

// Borrowed reports whether the identity comes from Accounts.Borrow.
func (i Identity) Borrowed() bool { return i.Login == borrowed }
