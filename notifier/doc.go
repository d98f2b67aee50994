// Package notifier turns the event log of a PostgreSQL database into ordered subscriptions. It knows
// nothing of HTTP: package api carries what it delivers to people.
//
// # What it guarantees
//
// The log is the only source. The node delivers what its next snapshot sees and its last one did not,
// in order of ids; rings, the gate and the interval of polls only decide how soon it looks.
//
//   - A subscription receives, after its start and once each, every event of its topics that its
//     follower may see, or a Reset that says why that is not possible.
//   - All events of one transaction become available together, and none of one that rolled back.
//   - Events of one row come in the order of its changes; an event of a transaction that began after
//     another had committed never comes before the other's.
//   - While a right is removed, no event of a transaction that began after the removal had committed
//     is handed out: an access event stops its subscriptions before any event of the same or a
//     later poll is queued, until access was asked in a newer snapshot.
//   - A subscription that is not read is ended or pulls from the log later. It never holds up another,
//     the node, or a writer.
//
// # Goroutines
//
// Feed.Run is the poller, which alone moves the node's place in the log. It starts all others and waits for
// them: the listener, which only wakes the poller; Options.Pullers pullers, which read replays, one page
// a turn; the one that asks access again, with up to questionsAtOnce helpers; the one that keeps what waits for all
// readers under its bound; and the one that empties slots of the log when they are due. Subscriptions have none;
// one whose replay rests has a timer, which its end stops.
//
// # Locks
//
// hub.mu, Subscription.mu, poller.mu, listener.mu, pulls.mu, questions.mu, load.mu and the memo of an event. None is
// taken while another is held, and nothing blocks under one. For each batch the poller calls the hub's
// begin, then route and demote for each chunk, then finish; where it begins anew in the log, restart and
// restarted in place of finish. A subscription is attached only between batches.
//
// # Shutdown
//
// When Run's context ends, or the poller can do nothing more, all goroutines end, in no order that matters,
// and Run returns after the last. Subscriptions keep what is queued and get nothing more. Their owners
// close them, before or after.
package notifier
