package notifier

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/topic"
)

// These errors say why Subscribe refuses, or why a subscription has ended. Each comment is what the
// follower can do next.
var (
	// Log in again.
	ErrUnauthorized = errors.New("the identity is missing or no longer valid")
	// Do not ask again.
	ErrForbidden = errors.New("the identity may not follow this topic")
	ErrNotFound  = errors.New("there is no such topic")
	// Subscribe without the cursor.
	ErrBadCursor = errors.New("the cursor is not one of ours")
	// Come back with the cursor.
	ErrSlow = errors.New("the reader is too slow")
	// Come back later.
	ErrUnavailable = errors.New("the log cannot be read at present")
	// Nothing: its owner has closed it.
	ErrClosed = errors.New("the subscription is closed")
)

// ErrNoSnapshot says that a topic has no snapshot query.
var ErrNoSnapshot = errors.New("the topic has no snapshot")

// Follower is the identity behind a subscription. The zero Follower is anonymous.
type Follower struct {
	User    string // user id in decimal; empty for an anonymous follower
	Session string // the login, for Rules to look up again; opaque to this package
	Staff   bool

	// Alias is a second name for User in access events, for a trigger that knows the login but not
	// its user. It is empty if there is none.
	Alias string

	// Claims is the JSON of the claims of the follower's token, for Rules; opaque to this package. It is empty without a
	// token, and where no rule reads claims.
	Claims string
}

// Question asks whether a follower may follow a topic, and with which roles.
type Question struct {
	Topic    topic.Topic
	Follower Follower
	Filter   any // of State: the condition that rows must fulfil, as Request.Filter has it; nil: none
}

// ErrReadAgain says that a state could not be read, but can be in another transaction.
var ErrReadAgain = errors.New("the state can be read in another transaction")

// Grant answers a Question. Err is nil, ErrUnauthorized, ErrForbidden or ErrNotFound; any other error
// means that this question could not be answered: the feed asks it again.
type Grant struct {
	Err   error
	Roles []string // the follower sees events for these roles besides the events for everybody
}

// Rules decide access and read snapshots. The configuration implements them. Both methods are
// called from several goroutines at once.
type Rules interface {
	// Ask answers the questions in their order. It reads the database in snapshots taken after the
	// call began. The feed asks about one subscriber at subscribe, and about all subscribers of a
	// topic when a trigger files an access event, so Ask must answer many questions in few
	// statements. An error means that no question could be answered: the feed asks again, in smaller
	// groups, so that the questions that can be answered are found.
	Ask(ctx context.Context, questions []Question) ([]Grant, error)
	// State reads the present state of the question's topic as a JSON array within tx, a read-only
	// REPEATABLE READ transaction, and reports whether the state has more rows than its limit, which
	// the array lacks. A topic without a configured snapshot yields ErrNoSnapshot. After ErrReadAgain
	// the feed begins another transaction, once.
	State(ctx context.Context, tx pgx.Tx, q Question) (state json.RawMessage, truncated bool, err error)
}

// refusalIn returns the first refusal among the grants, or nil.
func refusalIn(grants []Grant) error {
	for _, g := range grants {
		if isRefusal(g.Err) {
			return g.Err
		}
	}
	return nil
}

// unansweredIn returns why the first question that has no answer has none; nil if one of them is
// refused, which decides, or if all have answers.
func unansweredIn(grants []Grant) error {
	if refusalIn(grants) != nil {
		return nil
	}
	for _, g := range grants {
		if g.Err != nil {
			return g.Err
		}
	}
	return nil
}

// isRefusal reports whether err says that access was refused, as opposed to not answered.
func isRefusal(err error) bool {
	return errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrForbidden) || errors.Is(err, ErrNotFound)
}
