package notifier

import (
	"errors"
	"strings"
)

// MaxTopicBytes bounds a topic's name, in bytes.
const MaxTopicBytes = 200

// ErrTopic says that a name does not follow the grammar of topics.
var ErrTopic = errors.New("a topic is 1 to 200 bytes of A-Z a-z 0-9 _ : . - in parts between single slashes")

// Topic is the slash-separated name an event is filed under, such as room/5. A Topic made by
// ParseTopic follows the grammar; conversions from string do not check it.
type Topic string

// ParseTopic checks a name that came from outside. The error is ErrTopic.
func ParseTopic(name string) (Topic, error) {
	if name == "" || len(name) > MaxTopicBytes {
		return "", ErrTopic
	}
	for part := range strings.SplitSeq(name, "/") {
		if !validPart(part) {
			return "", ErrTopic
		}
	}
	return Topic(name), nil
}

// validPart reports whether one part of a topic follows the grammar. Dots alone are refused: a
// path library somewhere on the way would resolve them.
func validPart(part string) bool {
	if part == "" || part == "." || part == ".." {
		return false
	}
	for i := range len(part) {
		if !validTopicByte(part[i]) {
			return false
		}
	}
	return true
}

func validTopicByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '_' || c == ':' || c == '.' || c == '-'
}

// Covers reports whether a follower of t receives what is filed under u: u is t or lies below it.
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

// root is the first part of the topic: no two topics of different roots cover one another.
func (t Topic) root() Topic {
	if cut := strings.IndexByte(string(t), '/'); cut >= 0 {
		return t[:cut]
	}
	return t
}
