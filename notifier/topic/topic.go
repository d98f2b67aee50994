// Package topic holds the names that events are filed under, and patterns of such names.
//
// A Topic is a concrete name, such as room/5. A Pattern is a name with parameters, such as
// room/{room_id:int}; the configuration lists patterns, and WebSocket paths are patterns too. The
// package uses the standard library only and holds no state: all its functions are safe for use by
// several goroutines.
package topic

import (
	"errors"
	"strings"
)

// MaxBytes is the greatest length of a topic, in bytes.
const MaxBytes = 200

// ErrInvalid says that a name does not follow the grammar of topics.
var ErrInvalid = errors.New("a topic is 1 to 200 bytes of A-Z a-z 0-9 _ : . - ~ ! ' ( ) * in parts between single slashes; other bytes of UTF-8 are written as %20")

// Topic is the slash-separated name an event is filed under, such as room/5. A Topic made by Parse
// follows the grammar; a conversion from string does not check it.
type Topic string

// Parse checks a name that came from outside. The error is ErrInvalid.
func Parse(name string) (Topic, error) {
	if name == "" || len(name) > MaxBytes {
		return "", ErrInvalid
	}
	for part := range strings.SplitSeq(name, "/") {
		if !validPart(part) {
			return "", ErrInvalid
		}
	}
	return Topic(name), nil
}

// validPart reports whether one part of a topic follows the grammar: it is the one spelling of a text.
func validPart(part string) bool {
	_, ok := SegmentText(part)
	return ok
}

// Covers reports whether a follower of t receives the events filed under u: u is t or lies below t.
func (t Topic) Covers(u Topic) bool {
	if len(u) <= len(t) {
		return t == u
	}
	return u[len(t)] == '/' && u[:len(t)] == t
}

// Lineage yields t, then each of its ancestors, nearest first: a/b/c, a/b, a.
func (t Topic) Lineage(yield func(Topic) bool) {
	for {
		if !yield(t) {
			return
		}
		cut := strings.LastIndexByte(string(t), '/')
		if cut < 0 {
			return
		}
		t = t[:cut]
	}
}

// Root is the first part of the topic. Two topics with different roots never cover each other.
func (t Topic) Root() Topic {
	if cut := strings.IndexByte(string(t), '/'); cut >= 0 {
		return t[:cut]
	}
	return t
}
