package api

import "rowcall/notifier"

// Identity is who a session is. The zero Identity is anonymous.
type Identity struct {
	User    string // user id in decimal; empty when anonymous
	Name    string // username
	Session string // names the login it comes from without being of use as a token
	Staff   bool
}

// Anonymous reports whether nobody is logged in.
func (i Identity) Anonymous() bool { return i.User == "" }

// Follower is the identity as the feed knows it.
func (i Identity) Follower() notifier.Follower {
	return notifier.Follower{User: i.User, Session: i.Session, Staff: i.Staff}
}
