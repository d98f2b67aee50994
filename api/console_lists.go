package api

import (
	"cmp"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"rowcall/notifier"
	"rowcall/notifier/topic"
)

const (
	listAge       = time.Second // how old a list may be
	topicsPerItem = 10          // topics of one session that are named
)

// lister makes a list at most once in listAge.
type lister[T any] struct {
	make func() []T

	mu   sync.Mutex // guards what follows; whoever comes while a list is made waits for it
	rows []T
	at   time.Time
}

// list is a part of what there is.
type list[T any] struct {
	Total int       `json:"total"`
	At    time.Time `json:"at"` // when it was made
	Rows  []T       `json:"rows"`
}

type (
	consoleTopics   = list[notifier.TopicCount]
	consoleSessions = list[consoleSession]
)

// upTo returns the first rows. They are nobody's to change.
func (l *lister[T]) upTo(limit int) list[T] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.at) > listAge {
		l.rows, l.at = l.make(), time.Now()
	}
	n := min(limit, len(l.rows))
	return list[T]{Total: len(l.rows), At: l.at.UTC(), Rows: append([]T{}, l.rows[:n]...)}
}

// listTopics lists those with the most subscribers first.
func (c *console) listTopics() []notifier.TopicCount {
	topics := slices.DeleteFunc(c.feed.FollowedTopics(), func(t notifier.TopicCount) bool { return t.Topic == ConsoleTopic })
	slices.SortFunc(topics, func(a, b notifier.TopicCount) int {
		return cmp.Or(cmp.Compare(b.Subscribers, a.Subscribers), cmp.Compare(a.Topic, b.Topic))
	})
	return topics
}

// consoleSession is a session as staff see it.
type consoleSession struct {
	Name         string          `json:"name"`
	Kind         sessionKind     `json:"kind"`
	User         json.RawMessage `json:"user"` // null when anonymous
	Username     string          `json:"username,omitempty"`
	As           json.RawMessage `json:"as,omitempty"` // of a tail: the user whose events it shows
	Address      string          `json:"address"`
	Since        time.Time       `json:"since"`
	Topics       []topic.Topic   `json:"topics"` // the first of them
	TopicCount   int             `json:"topic_count"`
	QueuedEvents int             `json:"queued_events"`
	QueuedBytes  int             `json:"queued_bytes"`
}

// listSessions lists those first that have the most waiting, and then the newest.
func (c *console) listSessions() []consoleSession {
	present := c.registry.present()
	rows := make([]consoleSession, len(present))
	for i, p := range present {
		rows[i] = c.session(p)
	}
	slices.SortFunc(rows, func(a, b consoleSession) int {
		return cmp.Or(cmp.Compare(b.QueuedBytes, a.QueuedBytes), b.Since.Compare(a.Since), cmp.Compare(a.Name, b.Name))
	})
	return rows
}

func (c *console) session(p *presence) consoleSession {
	row := consoleSession{
		Name: p.name, Kind: p.kind, Username: p.who.Name,
		User: c.accounts.EncodeID(p.who.User), As: c.accounts.EncodeID(p.as),
		Address: p.address.String(), Since: p.since.UTC(), Topics: []topic.Topic{},
	}
	for _, sub := range p.follows() {
		for _, topic := range sub.Topics() {
			row.TopicCount++
			if len(row.Topics) < topicsPerItem {
				row.Topics = append(row.Topics, topic)
			}
		}
		events, bytes := sub.QueueSize()
		row.QueuedEvents += events
		row.QueuedBytes += bytes
	}
	slices.Sort(row.Topics)
	return row
}
