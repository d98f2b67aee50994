package api

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/api/upkeep"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

const (
	defaultConsoleRows = 100  // rows of a list, by default
	maxConsoleRows     = 1000 // rows of a list, at most
)

// routes adds the addresses of the console, which answer staff.
func (c *console) routes(a *addresses) {
	for path, part := range map[string]func(*http.Request) (any, error){
		"/api/console":          c.answerAll,
		"/api/console/topics":   c.answerTopics,
		"/api/console/sessions": c.answerSessions,
		"/api/console/listener": c.answerListener,
		"/api/console/log":      c.answerLog,
	} {
		a.handle("GET", path, c.accounts.Require(admitStaff, func(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
			answer, err := part(r)
			if err == nil {
				problem.WriteJSON(w, http.StatusOK, answer)
			}
			return err
		}))
	}
}

// admitStaff refuses users who are not staff.
func admitStaff(who identity.Identity) error {
	switch {
	case who.Anonymous():
		return problem.ErrUnauthorized
	case !who.Staff:
		return problem.Explain(problem.ErrForbidden, "this is for staff")
	}
	return nil
}

// consoleAll is the whole console, for a page that polls it about once a second.
type consoleAll struct {
	At           time.Time           `json:"at"`
	Listener     consoleListener     `json:"listener"`
	Log          consoleLog          `json:"log"`
	Counts       consoleCounts       `json:"counts"`
	Unfollowable consoleUnfollowable `json:"unfollowable"`
	Open         map[sessionKind]int `json:"open"`
	Unfit        []upkeep.Unfit      `json:"unfit"` // settings that do not fit the database any more
	Topics       consoleTopics       `json:"topics"`
	Sessions     consoleSessions     `json:"sessions"`
}

func (c *console) answerAll(r *http.Request) (any, error) {
	limit, err := rowLimit(r)
	if err != nil {
		return nil, err
	}
	stats := c.feed.Stats()
	return consoleAll{
		At:           time.Now().UTC(),
		Listener:     c.describeListener(stats),
		Log:          c.describeLog(stats),
		Counts:       c.describeCounts(stats),
		Unfollowable: describeUnfollowable(stats.Unfollowable),
		Open:         c.countOpen(),
		Unfit:        c.upkeep.Unfit(),
		Topics:       c.topicList.firstRows(limit),
		Sessions:     c.sessionList.firstRows(limit),
	}, nil
}

// rowLimit returns how many rows a request asks for.
func rowLimit(r *http.Request) (int, error) {
	q, err := problem.ParseQuery(r)
	if err != nil {
		return 0, err
	}
	return q.Number("limit", 1, maxConsoleRows, defaultConsoleRows)
}

func (c *console) answerTopics(r *http.Request) (any, error) {
	limit, err := rowLimit(r)
	return c.topicList.firstRows(limit), err
}

func (c *console) answerSessions(r *http.Request) (any, error) {
	limit, err := rowLimit(r)
	return c.sessionList.firstRows(limit), err
}

func (c *console) answerListener(*http.Request) (any, error) {
	return c.describeListener(c.feed.Stats()), nil
}

func (c *console) answerLog(*http.Request) (any, error) { return c.describeLog(c.feed.Stats()), nil }

// countOpen returns the number of open sessions of each kind, also of kinds without one.
func (c *console) countOpen() map[sessionKind]int {
	counted := c.registry.countByKind()
	open := map[sessionKind]int{}
	for _, kind := range sessionKinds() {
		open[kind] = counted[kind]
	}
	return open
}

const (
	maxListAge          = time.Second // the age at which a list is built again
	maxTopicsPerSession = 10          // topics of a session that are listed
)

// cachedList builds a list at most once in maxListAge.
type cachedList[T any] struct {
	build func() []T

	mu      sync.Mutex // guards what follows; held while a list is built
	rows    []T
	builtAt time.Time
}

// consoleList is the first part of a list.
type consoleList[T any] struct {
	Total int       `json:"total"`
	At    time.Time `json:"at"` // when the list was built
	Rows  []T       `json:"rows"`
}

type (
	consoleTopics   = consoleList[notifier.TopicCount]
	consoleSessions = consoleList[consoleSession]
)

// firstRows returns the first rows, which the caller must not change.
func (l *cachedList[T]) firstRows(limit int) consoleList[T] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.builtAt) > maxListAge {
		l.rows, l.builtAt = l.build(), time.Now()
	}
	n := min(limit, len(l.rows))
	return consoleList[T]{Total: len(l.rows), At: l.builtAt.UTC(), Rows: append([]T{}, l.rows[:n]...)}
}

// listTopics lists topics, those with the most subscribers first.
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
	User         json.RawMessage `json:"user"` // null for an anonymous user
	Username     string          `json:"username,omitempty"`
	As           json.RawMessage `json:"as,omitempty"` // for a tail: the user whose events it shows
	Address      string          `json:"address"`
	Since        time.Time       `json:"since"`
	Topics       []topic.Topic   `json:"topics"` // the first ones
	TopicCount   int             `json:"topic_count"`
	QueuedEvents int             `json:"queued_events"`
	QueuedBytes  int             `json:"queued_bytes"`
}

// listSessions lists sessions: first those with the most bytes waiting, then the newest.
func (c *console) listSessions() []consoleSession {
	present := c.registry.presences()
	rows := make([]consoleSession, len(present))
	for i, p := range present {
		rows[i] = c.describeSession(p)
	}
	slices.SortFunc(rows, func(a, b consoleSession) int {
		return cmp.Or(cmp.Compare(b.QueuedBytes, a.QueuedBytes), b.Since.Compare(a.Since), cmp.Compare(a.Name, b.Name))
	})
	return rows
}

func (c *console) describeSession(p *presence) consoleSession {
	row := consoleSession{
		Name: p.name, Kind: p.kind, Username: p.identity.Name,
		User: c.accounts.EncodeID(p.identity.User), As: c.accounts.EncodeID(p.as),
		Address: p.address.String(), Since: p.since.UTC(), Topics: []topic.Topic{},
	}
	for _, sub := range p.subscriptions() {
		for _, topic := range sub.Topics() {
			row.TopicCount++
			if len(row.Topics) < maxTopicsPerSession {
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
