package api

import (
	"time"

	"rowcall/notifier"
)

// Identity is who a session is. The zero Identity is anonymous.
type Identity struct {
	User    string // user id, in decimal where ids are numbers; empty when anonymous
	Name    string // username
	Session string // names the login it comes from without being of use as a token; empty for a token
	Alias   string // what triggers call the login where they do not know its user; empty: they do
	Staff   bool

	// Of a bearer token; both are empty for a login.
	Subject string    // what it says of the user
	Until   time.Time // when it has run out, for certain
}

// Anonymous reports whether nobody is logged in.
func (i Identity) Anonymous() bool { return i.User == "" }

// Follower is the identity as the feed knows it.
func (i Identity) Follower() notifier.Follower {
	return notifier.Follower{User: i.User, Session: i.Session, Alias: i.Alias, Staff: i.Staff}
}
