package notifier

import (
	"context"
	"errors"
	"fmt"
)

// joinQueue is the line of subscribes that need the database. They must not take all connections of
// the pool.
type joinQueue struct{ line *rootLine[joinTicket] }

// joinTicket receives the service of a subscribe whose turn it is. It has room for that, so sending
// never blocks.
type joinTicket chan *service[joinTicket]

func newJoinQueue(permits int) *joinQueue {
	return &joinQueue{newRootLine[joinTicket](permits, mostPerRoot(permits))}
}

// run calls work with a permit for the database, and returns its error. If the work is interrupted
// before it has an answer, it is called again, so it must have no effect when it returns
// ErrUnavailable.
func (q *joinQueue) run(ctx context.Context, root string, work func(context.Context) error) error {
	for failures := 0; ; failures++ {
		turn, err := q.enter(ctx, root, failures)
		if err != nil {
			return err
		}
		again, err := q.serve(ctx, turn, work)
		if !again {
			return err
		}
	}
}

// enter waits for a permit.
func (q *joinQueue) enter(ctx context.Context, root string, failures int) (*service[joinTicket], error) {
	ticket := make(joinTicket, 1)
	if failures == 0 {
		q.line.add(root, ticket)
	} else {
		q.line.addRetry(root, ticket, failures)
	}
	q.handOut()
	select {
	case turn := <-ticket:
		return turn, nil
	case <-ctx.Done():
		if !q.line.remove(root, ticket) {
			q.leave(<-ticket, outcomeUndecided)
		}
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

// serve calls work, and gives the permit back, also if work panics. again says that work was
// interrupted before it had an answer.
func (q *joinQueue) serve(ctx context.Context, turn *service[joinTicket], work func(context.Context) error) (again bool, err error) {
	working, end := q.line.begin(ctx, turn)
	how := outcomeUndecided
	defer func() {
		end()
		q.leave(turn, how)
	}()
	err = work(working)
	switch {
	case !errors.Is(err, ErrUnavailable):
		how = outcomeServed // a refusal is an answer too
	case ctx.Err() == nil:
		how = outcomeFailed
		again = wasInterrupted(working)
	}
	return again, err
}

func (q *joinQueue) leave(turn *service[joinTicket], how outcome) {
	q.line.done(turn, how)
	q.handOut()
}

// handOut tells all whose turn it is.
func (q *joinQueue) handOut() {
	for turn := q.line.next(); turn != nil; turn = q.line.next() {
		turn.item <- turn
	}
}
