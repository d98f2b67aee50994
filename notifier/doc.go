// Package notifier turns the event log of a PostgreSQL database into ordered subscriptions. It
// knows nothing about HTTP: package api carries to people what it delivers.
//
// # Guarantees
//
// The log is the only source of events. A node delivers the events that its next snapshot sees and
// its last one did not. Rings, the gate and the intervals between polls decide only how soon it
// looks: a wrong decision there costs time, never an event.
//
//   - After its start, a subscription receives every event of its topics that its follower may see,
//     each once, or a Reset that says why that is not possible.
//   - All events of one transaction become available together. A transaction that rolled back has
//     no events.
//   - While a right is removed, no event of a transaction that began after the removal had
//     committed is handed out. An access event puts the access of the subscriptions it concerns in
//     question before any event of the same or a later poll is queued. These events wait until
//     access was asked in a newer snapshot. Events of earlier polls wait only for the answer to the
//     question before.
//   - A subscription that is not read is ended, or reads on from the log later. It never holds up
//     another subscription, the node, or a writer.
//
// # Ordering
//
// A subscription receives the events of one poll in the order of ids, and polls one after the
// other. So the events of one row come in the order of its changes, and an event of a transaction
// that began after another had committed never comes before an event of that other transaction.
// Between concurrent transactions the order is not promised. A replay comes before the live events
// that follow it; both are cut at the same snapshot, so nothing is missing or doubled between them.
// A Reset comes before every event of the history or the place that it announces. A reset event is a row
// of the log: it becomes a Reset in its place between the events, also in a replay.
//
// # Glossary
//
//	ring        a NOTIFY that says where to look; never what happened
//	gate        a number that says whether writers ring, a generation; odd: they do
//	keeper      the one node that flips the gate
//	probe       a ring that a node sends to itself, to find out whether rings arrive
//	arming      the proof that a node may sleep until a ring; an armed node sleeps
//	barrier     the writers at work when the proof began: they may have read an older gate
//	sweep       a poll of an armed node that no ring has asked for
//	poll        one look at the log, and what it has found
//	walk        a look at every row of a large poll or a long replay, which finds their addresses
//	outline     in which blocks of the slots the events of a long replay are
//	shelf       the outlines, or the pages of long replays, that were used last; readers share them
//	pace        how long the readers of long replays rest between pages, so that live events come first
//	chunk       a piece of a large poll that is handed on at once
//	place       where the node or a subscription stands in the log; its text is a cursor
//	bookmark    the node's cursor at a moment when all live subscriptions stand exactly there
//	epoch       the name of one history of the log; cursors of another history are of no use
//	floor       the end of what retention has dropped
//	slot        a part of the log that retention empties as a whole
//	tail        the recent part of the log in memory
//	live        fed by polls
//	pulling     reading pages from the log, until the tail has what is missed
//	attaching   the step from pulling to live
//	turn        a puller's work on one subscription: one page, or the attempt to attach
//	root        the first part of a topic; work at the database has a budget for each root
//	slow        of a root: work for it takes long, so it takes permits from other roots
//	parked      of a replay or a question: it has failed, and is tried again after a while
//	question    whether a subscription still has access; what comes after it waits for the answer
//	paused      with a question that has no answer yet
//	holder      a socket, a stream or a request for which bytes wait
//	census      a count of all that waits for readers
//	shed        to end a holder because the node holds too much
//
// # Goroutines
//
// Feed.Run is the poller. It alone moves the node's place in the log. It starts all other
// goroutines and waits for them:
//
//   - the listener receives rings, and does nothing but wake the poller;
//   - Options.Pullers pullers read replays, one page a turn;
//   - the reasker asks access again for paused subscriptions, with up to groupsAtOnce helpers;
//   - the census counts what waits, whenever that might be too much;
//   - retention empties slots of the log when they are due.
//
// A subscription has no goroutine. Its methods run on the goroutines above and on its owner's.
// While its replay rests it has a timer, which its end stops. What is parked has a timer too, which
// does no more than put it in line again.
//
// # Locks
//
// The locks are hub.mu, Subscription.mu, poller.mu, listener.mu, rootLine.mu, reaskQueue.mu,
// load.mu, outlineShelf.mu, pageShelf.mu, pullPace.mu, and the one in each Event's memo. Nothing blocks while one is held. None is taken while
// another is held, with one exception: a subscription that skips stale events reads their memo
// under its own lock. The functions called under the memo's lock take no locks.
//
// The poller's state, and everything of a pollConn, belong to the poller's goroutine and have no
// lock. For each poll the poller calls openPoll of the hub, then route and stopFeeding for each
// chunk, then closePoll; if it begins anew in the log, beginRestart and endRestart in place of
// closePoll. A subscription becomes live only between two polls.
//
// # Shutdown
//
// All goroutines share one context. When the context of Run ends, they end in any order. When the
// poller finds that no retry can help, it ends the context for the others. Run waits for the poller
// first, then for the others. Subscriptions keep what is queued and get nothing more. Their owners
// close them, before or after.
package notifier
