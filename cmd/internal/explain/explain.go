// Package explain says why a user receives an event, or does not.
//
// Every line of an answer is a fact of the log, of the configuration, or of access as a node decides it: the rules are
// compiled and asked as in a node. What access was in the past is not kept anywhere. So the lines say how it is now, and which
// access events were filed since the event.
package explain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/cmd/internal/node"
	"rowcall/config"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// Answer says whether a user receives an event, and why.
type Answer struct {
	Event    *Event `json:"event"` // nil: the log does not hold it
	User     string `json:"user"`  // the id in its one spelling; empty: anonymous
	Receives bool   `json:"receives"`
	Lines    []Line `json:"lines"`
}

// Event is what the answer tells of the event. What it says to its followers is not among it.
type Event struct {
	ID    int64       `json:"id"`
	Topic topic.Topic `json:"topic"`
	Type  string      `json:"type"`
	Role  string      `json:"role"` // empty: for all followers
	Time  time.Time   `json:"time"`
}

// Line is one fact.
type Line struct {
	About string `json:"about"` // filed, retention, topic, user, access, role, filter, changes or socket
	Ok    *bool  `json:"ok"`    // whether this lets the user receive the event; nil: it decides nothing by itself
	Text  string `json:"text"`
}

// question is one question while it is answered.
type question struct {
	*node.Access
	config *config.Config
	answer Answer
	event  *notifier.Event
	log    notifier.Lookup
	who    identity.Identity
}

// Why answers for the event with an id, or that a cursor names, and for the user with an id; an empty user stands for the
// anonymous. The error is one sentence for the operator, or rules.Problems: the question could not be answered.
func Why(ctx context.Context, c *config.Config, event, user string) (Answer, error) {
	id, epoch, err := notifier.ParseEventID(event)
	if err != nil {
		return Answer{}, fmt.Errorf("%q is no event: give the id of one, as in the field id of its frame, or the cursor of its frame if that names one", event)
	}
	access, err := node.OpenAccess(ctx, c)
	if err != nil {
		return Answer{}, err
	}
	defer access.Close()
	q := &question{Access: access, config: c, answer: Answer{User: user, Lines: []Line{}}}
	if err := q.checkEpoch(ctx, epoch); err != nil {
		return Answer{}, err
	}
	if q.log, err = notifier.LookUp(ctx, access.Pool, id); err != nil {
		return Answer{}, problem.OfDatabase("looking the event up", err)
	}
	q.event = q.log.Event
	if !q.explainFiled(id) {
		return q.answer, nil
	}
	known, err := q.explainUser(ctx, user)
	if err != nil {
		return Answer{}, err
	}
	covering := q.explainTopics()
	if len(covering) == 0 || !known {
		return q.answer, nil
	}
	if err := q.explainAccess(ctx, covering); err != nil {
		return Answer{}, err
	}
	q.explainChanges(covering)
	q.explainSockets(covering)
	return q.answer, nil
}

// checkEpoch refuses a cursor of another history of the log, in which its id means another event.
func (q *question) checkEpoch(ctx context.Context, epoch string) error {
	if epoch == "" {
		return nil
	}
	const known = `SELECT split_part(rowcall.cursor(), '.', 1)`
	var present string
	if err := q.Pool.QueryRow(ctx, known).Scan(&present); err != nil {
		return problem.OfDatabase("asking for the epoch", err)
	}
	if epoch != present {
		return errors.New("the cursor is of another history of the log, which a crash, a restore or rowcall new-history has ended: its clients are told to read their state again")
	}
	return nil
}

// The marks of lines.
func yes() *bool { b := true; return &b }
func no() *bool  { return new(bool) }

// tell adds a line.
func (q *question) tell(about string, ok *bool, format string, args ...any) {
	q.answer.Lines = append(q.answer.Lines, Line{about, ok, fmt.Sprintf(format, args...)})
}

// explainFiled says what the log holds of the event. It reports false if there is nothing more to say.
func (q *question) explainFiled(id int64) bool {
	if q.event == nil {
		q.explainMissing(id)
		return false
	}
	e := q.event
	q.answer.Event = &Event{e.ID, e.Topic, e.Type, e.Role, e.Time}
	switch {
	case e.IsAccess():
		q.tell("filed", no(), "event %d is no event for followers: it makes nodes check access to %s again", e.ID, orAllTopics(e.Topic))
		return false
	case e.IsReset():
		q.tell("filed", no(), "event %d is no event for followers: it tells followers of topics at, above and below %s to read their state again", e.ID, e.Topic[1:])
		return false
	}
	q.tell("filed", yes(), "a transaction that was committed has filed event %d, %s, under %s at %s", e.ID, e.Type, e.Topic, e.Time.Format(time.RFC3339))
	if q.log.ReplayReset {
		q.tell("retention", nil, "retention has dropped events of later transactions: a client that comes back with a cursor from before this event gets a reset, and not the event")
	} else {
		q.tell("retention", nil, "the log holds the event: a client that comes back with a cursor from before it gets it, unless retention has dropped other events that follow the cursor, "+
			"or more than %d events follow it (limits.replay_events): then it gets a reset, and not the event", q.config.Limits.ReplayEvents)
	}
	return true
}

// explainMissing says why the log may not hold the event.
func (q *question) explainMissing(id int64) {
	switch {
	case q.log.First == 0:
		q.tell("filed", no(), "the log is empty: nothing was filed, or retention has dropped it")
	case id < q.log.First:
		q.tell("retention", no(), "retention has dropped event %d, or it was never filed: the oldest event in the log is %d, of %s", id, q.log.First, q.log.OldestAt.UTC().Format(time.RFC3339))
	case id > q.log.Last:
		q.tell("filed", no(), "no transaction that was committed has filed event %d: the newest is %d", id, q.log.Last)
	default:
		q.tell("filed", no(), "no transaction that was committed has filed event %d: the transaction that took this id was rolled back, or is open", id)
	}
}

func orAllTopics(t topic.Topic) string {
	if t == "" {
		return "all topics"
	}
	return string(t) + " and the topics below it"
}

// explainUser finds the user. It reports false if there is no such user.
func (q *question) explainUser(ctx context.Context, user string) (bool, error) {
	if user == "" {
		q.tell("user", nil, "asked for the anonymous user")
		return true, nil
	}
	who, err := q.Accounts.Borrow(ctx, user)
	if errors.Is(err, problem.ErrUnauthorized) {
		q.tell("user", no(), "there is no active user with the id %s", user)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	q.who, q.answer.User = who, who.User
	switch {
	case q.config.Auth.Users.Table == "-":
		q.tell("user", nil, "there is no table of users: the user is whoever brings a token with this id, and is taken for somebody who is not staff")
	case who.Staff:
		q.tell("user", yes(), "user %s (%s) is active, and staff", who.User, who.Name)
	default:
		q.tell("user", yes(), "user %s (%s) is active, and not staff", who.User, who.Name)
	}
	return true, nil
}
