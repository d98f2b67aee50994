package notifier

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"rowcall/notifier/topic"
)

// Unfollowable is what polls have read under topics that nobody can follow: events that were filed for
// nothing, most often because of a mistake in a trigger.
type Unfollowable struct {
	Events uint64   // since New
	Topics []string // the last such topics, the newest first, each once and shortened
}

const (
	maxUnfollowableTopics = 10          // that are named
	maxUnfollowableBytes  = 100         // of a topic that is named
	unfollowableLineEvery = time.Minute // at most one line of the log
	maxKnownFollowable    = 10_000      // topics that are not looked at again
)

// unfollowableCount counts events under topics that nobody can follow. The poller's goroutine counts, and
// asks about each topic once: most polls are of topics that it knows.
type unfollowableCount struct {
	canFollow func(topic.Topic) bool // nil: every topic can be followed
	log       *slog.Logger
	known     map[topic.Topic]struct{} // topics that can be followed
	loggedAt  time.Time
	unlogged  uint64 // events since loggedAt

	mu    sync.Mutex // guards shown
	shown Unfollowable
}

func newUnfollowableCount(o *Options, log *slog.Logger) *unfollowableCount {
	return &unfollowableCount{canFollow: o.CanFollow, log: log, known: map[topic.Topic]struct{}{}}
}

// count looks at the events of a chunk.
func (u *unfollowableCount) count(events []*Event) {
	if u == nil || u.canFollow == nil {
		return
	}
	for _, e := range events {
		if e.reset == nil && !u.isFollowable(e.Topic) {
			u.add(string(e.Topic))
		}
	}
	if u.unlogged > 0 && time.Since(u.loggedAt) >= unfollowableLineEvery {
		u.log.Warn("events are filed under topics that nobody can follow", "events", u.unlogged, "topics", u.stats().Topics)
		u.loggedAt, u.unlogged = time.Now(), 0
	}
}

func (u *unfollowableCount) isFollowable(t topic.Topic) bool {
	if _, known := u.known[t]; known {
		return true
	}
	if !u.canFollow(t) {
		return false
	}
	if len(u.known) >= maxKnownFollowable {
		clear(u.known)
	}
	u.known[t] = struct{}{}
	return true
}

// add counts an event, and names its topic first.
func (u *unfollowableCount) add(name string) {
	name = shortened(name)
	u.unlogged++
	u.mu.Lock()
	defer u.mu.Unlock()
	u.shown.Events++
	if len(u.shown.Topics) > 0 && u.shown.Topics[0] == name {
		return
	}
	others := slices.DeleteFunc(slices.Clone(u.shown.Topics), func(other string) bool { return other == name })
	u.shown.Topics = append([]string{name}, others[:min(len(others), maxUnfollowableTopics-1)]...)
}

// shortened returns the first characters of a name.
func shortened(name string) string {
	if len(name) <= maxUnfollowableBytes {
		return name
	}
	end := maxUnfollowableBytes
	for end > 0 && name[end]&0xC0 == 0x80 { // within a character
		end--
	}
	return name[:end] + "..."
}

// stats returns what was counted so far.
func (u *unfollowableCount) stats() Unfollowable {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.shown
}
