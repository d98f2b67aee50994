// Package api brings events to people: it serves sockets in every format, server-sent events, HTTP
// requests for events, the console, metrics and health. The packages below it decide who may come
// in (door), who somebody is (identity), who may follow what (access), and what users read and write
// in the database (resource); problem says how errors look from outside.
//
// # Guarantees
//
//   - After "subscribed" on the native protocol, or after the answer to the handshake of a configured
//     socket, a session receives every event of the topic that commits later and that its user may
//     see, each once, until the socket or the topic is closed with a reason.
//   - The notifier's guarantees about order, replays and rights hold up to the network: what the
//     notifier hands out is queued nowhere else, and is sent in the order in which it was taken.
//   - A client that does not read, and a panic in the work for a client, end the session of that
//     client and hold up no other.
//   - An answer never holds an error's own text.
//
// # Ordering
//
// All frames of one topic on one socket are sent in the order of what they say: subscribed, then
// events, then unsubscribed or error. A cursor in a pong or heartbeat is valid for all topics of the
// socket, because everything before it has been sent. On a dcrf socket the reply to a request is sent
// before the event of what the request did. A close frame is the last frame of a socket.
//
// # From the address to the event
//
// The door checks each request. handlers finds its address. handshakes admits a request that is to
// become a socket or a stream; the admission counts it until it ends. socketServer builds the session
// of a socket, in one place, and leaves it to a goroutine of its own:
//
//	websocket.Conn   gorilla's: reads frames, answers the handshake
//	    queueConn    the net.Conn below it: queues what is to be written, never blocks
//	    session      one reader; one writer while something waits
//	    flow         what the protocol of the socket does
//	    feed         notifier.Feed
//
// An event is encoded once per format, WebSocket header included, and all sockets share the bytes.
// The writer sends all that waits for its socket in as few writes as it can.
//
// A subscription with a filter tests events when its reader takes them. Subscriptions to one topic whose filters
// are spelled alike share the tests and the frames; the others share nothing with them but what the feed hands out.
//
// A stream of server-sent events, and a request for events over HTTP, has no session: the handler of
// the request takes what its one subscription has, for all topics in one order, and writes it.
//
// # Glossary
//
//	session     an open socket, or a stream as the registry and the console see it
//	login       what a cookie stands for; see package identity
//	seed        an existing program whose sockets are served in its own format
//	admission   a request that may become a socket or a stream, until it is closed
//	flow        the part of a session that speaks its protocol: native, plain or dcrf
//	plain       the protocol of a socket that is bound to one topic, in the format of a seed
//	dcrf        the protocol of Django Channels REST Framework: requests about rows of resources
//	mark        what a filtered subscription appends to its cursors: a hash of its topic and filter
//	slot        a topic on a native socket, from its subscribe until it is removed
//	pass        one look of the writer at all that waits
//	sign        a sign of life: a pong or a heartbeat on a socket, a comment or a cursor on a stream
//	presence    the description of an open session for staff; it never changes
//	registry    the sessions of the node
//	vigil       the watch over the identities of open sockets and streams
//	tail        a stream that shows staff the events of another user
//	guard       the reader's own subscription beside a tail, which ends the tail with its rights
//	unload      to end a session because the node holds too much for readers
//	door        the checks before the user is known; see package door
//	acting      to work in the database for a user; see package resource
//
// # Goroutines
//
//   - Server.Serve runs net/http's accept loop, the heartbeats of all sessions, the vigil (one
//     goroutine ends identities whose token has expired, one asks once a minute which still hold),
//     and the samples of the feed's counts for the console.
//   - Ops.Serve runs net/http's, on the operators' listener.
//   - Each socket has a reader, which the handshake starts, so that its request may end; and on a
//     native socket one goroutine per subscribe that runs, at most concurrentSubscribes.
//   - Sockets for which something waits stand in the writeLine, which at most one goroutine for each
//     processor serves. A socket that does not take at once what waits for it keeps that goroutine as
//     its own writer, and the line gets another one. Server.Serve waits for all of them.
//   - Each stream, and each request that waits, has net/http's two for the request.
//   - access.Rules.Ask starts one per rule with SQL and waits for them.
//   - upkeep.Keeper.Run prepares configured SQL, resources and functions anew when the catalog changes,
//     and has a goroutine for declared tables.
//   - identity.Accounts.Run deletes expired logins and reads the keys of bearer tokens again.
//
// A function that starts a goroutine waits for it: Serve returns when none is left.
//
// # Locks
//
//	session.mu                  whether a writer is at work
//	writeLine.mu                the sessions in line, and how many goroutines serve it
//	queueConn.mu                what is queued for the client
//	nativeFlow.mu               the slots of a socket, and the queue of its writer
//	dcrfFlow.mu                 whether reader or writer works, replies, subscriptions of rows
//	sharedMeter.mu              the replays of a dcrf socket
//	sessionRegistry.mu          the sessions of the node
//	vigil.mu                    their identities
//	filterTable.mu              the filters of the topics that are followed
//	sharedFilter.mu             one of these, and what its followers hear of the latest events
//	recentChanges.mu            the latest events of a topic, as changes of rows
//	answerConn.mu               the write deadline of an answer over HTTP
//	supervisedSubscription.mu   why a tail has ended
//	eventRates.mu               the counts of the last seconds
//	cachedList.mu               a list of the console
//
// The packages below have locks for the counts of the door (socketQuota.mu, replayQuota.mu,
// Throttle.mu), for the keys of bearer tokens (keySet.mu), for what is kept in step with the catalog
// (Item.mu of upkeep) and for replacing the list of resources (Resources.mu).
//
// No lock is taken while another is held, and nothing blocks while one is held: code that has
// something for the writer releases its own lock first. The feed takes locks of its own in Take,
// CaughtUp and Close, and calls Wake without them, so none of ours is held during these calls. The
// one exception is cachedList.mu: requests for a list wait for the one that builds it, which takes
// the locks of what is listed.
//
// # Shutdown
//
// When the context of Server.Serve ends, in this order:
//
//  1. New sessions are refused.
//  2. Each socket receives a close frame with code 1001, after what was being written to it. Streams
//     end; requests that wait are answered with what there is; other requests are finished.
//  3. A session ends when its client has answered the close frame, or after closeWait.
//  4. After Options.Shutdown, connections that are left are closed.
//  5. Heartbeats and the vigil stop, and Serve returns.
//
// The feed must run until Serve has returned, and the pool until the feed has ended.
package api
