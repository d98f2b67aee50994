// Package api brings events to people: it knows who somebody is, what they may follow, and speaks
// to them over WebSockets in the native format or in one that a socket is configured for.
//
// # What it promises
//
// Whoever reads "subscribed" on the native protocol, or the answer to the handshake of a configured
// socket, receives every event of the topic that commits after that and that they may see, in order,
// until the socket or the topic is closed with a reason. All frames of one topic on one socket come
// in the order of what they tell. A goodbye is the last frame of a socket. The notifier's promises
// about order, replays and rights hold through to the network: what it hands out is queued nowhere
// else, and goes out in the order it was taken in.
//
// Nothing that somebody does on one socket, or fails to read, holds up another.
//
// # From the address to the event
//
// [Door] decides by address, host, origin and numbers. [Accounts] finds the [Identity] behind a
// request, by a cookie or a bearer token. access.Rules answer the feed whether that identity may follow
// a topic, in configured SQL. [Server] matches addresses to sockets, runs one session per socket,
// and ends what outlives its identity:
//
//	gorilla's Conn   reads frames, answers the handshake
//	    conn         the net.Conn under it: collects what is to be written, never blocks
//	    session      one reader; one writer while something waits
//	    flow         native: many topics on request; plain: one, in a format of its own;
//	                 dcrf: requests about rows of resources, and what happens to them
//	    feed         notifier.Feed
//
// An event is encoded once per format, WebSocket header included, and the bytes are shared by all
// sockets. The writer puts all that waits for its socket into one write.
//
// A stream of server-sent events, and a request for events over HTTP, needs none of that: the handler of the
// request takes what its one subscription has, for all topics in one order, and writes it itself.
//
// Package resource serves tables and functions over HTTP. On a dcrf socket, users read and write rows with
// the methods of resource.Resource.
// On a dcrf socket a reply comes before the event of what it replies to: events wait while the reader
// works on a request, and the next request waits until the writer has taken the reply.
//
// # Goroutines
//
//   - Server.Serve: net/http's accept loop, one that gives all sessions their heartbeats, one that ends
//     those whose token has run out, one that asks once a minute which identities are still good, and one
//     that looks at the feed's counts once a second, for the console.
//   - Ops.Serve: net/http's, on the operators' listener.
//   - Each socket: its reader, which the handshake starts, so that the request may end; a writer, only while
//     something waits to be sent; and on a native socket one per subscribe under way, at most eight.
//   - Each stream and each request that waits: net/http's two for the request.
//   - access.Rules.Ask: one per rule with SQL, while it is asked.
//   - Accounts.Run: one that deletes expired sessions, and reads the keys of bearer tokens anew.
//
// Whoever starts one waits for it: Serve returns when none is left.
//
// # Locks
//
// session.mu guards whether a writer is at work; native.mu the topics of a socket and its queue; dcrf.mu whose
// turn it is, the replies that wait and who subscribed to which row; conn.mu what waits to be written; replays.mu
// whose turn it is to read the log; sharedMeter.mu the replays of a dcrf socket; registry.mu the sessions of the
// node; watch.mu their identities; keySet.mu the keys of bearer tokens; places.mu and throttle.mu counters; rates.mu
// the counts of the last seconds; supervised.mu why a tail is over; answerConn.mu the deadline of an answer over HTTP,
// and whether it is over.
//
// None is taken while another is held: code that has something for the writer lets go of its own lock first. Nothing
// blocks under any of them. The feed takes locks of its own in Take, CaughtUp and Close and calls Wake without them,
// so these are called under none of ours. The one exception is lister.mu: whoever asks for a list of the console
// waits for the one who makes it, which takes the locks of what is listed.
//
// # Shutdown
//
// When the context of Serve ends: no new session is let in; every session hears a close frame 1001
// behind what was already being written to it; streams end, and requests that wait are answered with
// what there is; other requests are finished; a session ends when its client has answered, or after
// two seconds; what is left when the time for goodbyes is over is cut off; then Serve returns. The
// feed must run until then, and the pool until the feed has ended.
package api
