package api

import (
	"net/http"
	"time"

	"rowcall/api/identity"
	"rowcall/api/problem"
)

const (
	consoleLimit    = 100  // topics or sessions that are listed unless asked otherwise
	maxConsoleLimit = 1000 // and at most
)

// routes has staff answered who want to know how the node is.
func (c *console) routes(a *addresses) {
	for path, part := range map[string]func(*http.Request) (any, error){
		"/api/console":          c.all,
		"/api/console/topics":   c.topics,
		"/api/console/sessions": c.sessions,
		"/api/console/listener": c.listener,
		"/api/console/log":      c.log,
	} {
		a.handle("GET", path, c.accounts.Require(staffOnly, func(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
			answer, err := part(r)
			if err == nil {
				problem.WriteJSON(w, http.StatusOK, answer)
			}
			return err
		}))
	}
}

// staffOnly says why somebody may not look at the console.
func staffOnly(who identity.Identity) error {
	switch {
	case who.Anonymous():
		return problem.ErrUnauthorized
	case !who.Staff:
		return problem.Explain(problem.ErrForbidden, "this is for staff")
	}
	return nil
}

// consoleAll is all of it, for a page that looks again every second or so.
type consoleAll struct {
	At       time.Time           `json:"at"`
	Listener consoleListener     `json:"listener"`
	Log      consoleLog          `json:"log"`
	Counts   consoleCounts       `json:"counts"`
	Open     map[sessionKind]int `json:"open"`
	Topics   consoleTopics       `json:"topics"`
	Sessions consoleSessions     `json:"sessions"`
}

func (c *console) all(r *http.Request) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	stats := c.feed.Stats()
	return consoleAll{
		At:       time.Now().UTC(),
		Listener: c.listenerOf(stats),
		Log:      c.logOf(stats),
		Counts:   c.countsOf(stats),
		Open:     c.open(),
		Topics:   c.topicList.upTo(limit),
		Sessions: c.sessionList.upTo(limit),
	}, nil
}

// limitOf is how many rows a request wants.
func limitOf(r *http.Request) (int, error) {
	q, err := problem.ParseQuery(r)
	if err != nil {
		return 0, err
	}
	return q.Number("limit", 1, maxConsoleLimit, consoleLimit)
}

func (c *console) topics(r *http.Request) (any, error) {
	limit, err := limitOf(r)
	return c.topicList.upTo(limit), err
}

func (c *console) sessions(r *http.Request) (any, error) {
	limit, err := limitOf(r)
	return c.sessionList.upTo(limit), err
}

func (c *console) listener(*http.Request) (any, error) { return c.listenerOf(c.feed.Stats()), nil }

func (c *console) log(*http.Request) (any, error) { return c.logOf(c.feed.Stats()), nil }

// open has a number for each kind, 0 too.
func (c *console) open() map[sessionKind]int {
	counted := c.registry.count()
	open := map[sessionKind]int{}
	for _, kind := range sessionKinds() {
		open[kind] = counted[kind]
	}
	return open
}
