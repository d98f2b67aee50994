package api

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/gorilla/websocket"

	"rowcall/api/access"
	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

const (
	openAtOnce    = 8         // subscribes of one socket that are under way or whose answer waits
	eventsPerTake = 256       // events taken of one topic before the next has its turn
	maxUnsent     = 1024      // frames that answer the client, waiting for it to read
	unsentWeight  = 256 << 10 // bytes of them
	maxPasses     = 8         // of the queue, each with eventsPerTake events of each topic at most, before signs of life
)

// nativeSubprotocol is the native subprotocol's name.
const nativeSubprotocol = "rowcall.v1"

// native is the flow of the native protocol: one socket, many topics.
//
// Frames of one topic are queued in the order of what they tell, and one writer takes them from
// the queue: subscribed, then events, then unsubscribed or error.
type native struct {
	session  *session
	topics   *access.Rules
	accounts *identity.Accounts // which know whether a newer token replaces the session's

	opens sync.WaitGroup

	mu      sync.Mutex // guards all below, and the fields of each held; nothing blocks under it
	held    map[topic.Topic]*held
	waiting []*held // to be opened when one of those under way is done
	opening int     // under way, or their answer is still in queue
	queue   []item  // for the writer
	unsent  int     // answers in queue
	weight  int     // bytes of them
	owed    signs
	over    bool

	passes int // of the queue that signs of life have waited for; the writer's own
}

// signs are signs of life.
type signs struct {
	pongs   int
	beating bool // a heartbeat
}

// item is a frame for the writer, a topic to take events of, or the frame first.
type item struct {
	frame  []byte
	held   *held
	opened bool // the frame answers a subscribe: another may be opened
}

// held is a topic the client has asked for, until it is unsubscribed, replaced or refused.
type held struct {
	topic   topic.Topic
	request request
	open    func()             // opens it
	cancel  context.CancelFunc // stops that
	sub     subscription       // nil until it is open
	queued  bool               // an item for it is in the queue
	key     any                // of the encoding of its events
	encode  func(*notifier.Event) []byte
}

// nativeProtocol is the native protocol.
type nativeProtocol struct {
	topics   *access.Rules
	accounts *identity.Accounts
}

func (nativeProtocol) kind() sessionKind { return sessionNative }

func (nativeProtocol) refuses(*admission) error { return nil }

func (p nativeProtocol) open(r *http.Request, in *admission, s *session) (flow, error) {
	offered := websocket.Subprotocols(r)
	switch {
	case len(offered) > 0 && !slices.Contains(offered, nativeSubprotocol):
		return nil, problem.ErrNoSubprotocol
	case in.unknown != nil:
		return nil, in.unknown
	case s.feed.Health().Err != nil:
		return nil, problem.ErrUnavailable
	}
	return newNative(s, p.topics, p.accounts), nil
}

func newNative(s *session, topics *access.Rules, accounts *identity.Accounts) *native {
	return &native{session: s, topics: topics, accounts: accounts, held: map[topic.Topic]*held{}}
}

// start queues the first frame.
func (n *native) start() {
	n.push(item{frame: encodeFrame(welcomeFrame{
		Op:               "welcome",
		Session:          n.session.presence.name,
		Heartbeat:        n.session.limits.PingInterval.Milliseconds(),
		MaxSubscriptions: n.session.limits.SubscriptionsPerSocket,
	})})
}

// receive does what a frame of the client asks for. A malformed one is answered; the socket stays.
func (n *native) receive(ctx context.Context, kind int, message io.Reader) error {
	text, err := io.ReadAll(message)
	if err != nil {
		return nil // the connection's error, which the reader meets again
	}
	req, err := parseRequest(kind, text)
	if err != nil {
		return n.refuse(req.Topic, err)
	}
	switch req.Op {
	case "ping":
		return n.ping()
	case "subscribe":
		return n.subscribe(ctx, req)
	case "unsubscribe":
		return n.unsubscribe(req)
	case "auth":
		return n.auth(ctx, req.Token)
	}
	return n.refuse(req.Topic, problem.Explain(problem.ErrBadRequest, "unknown op"))
}

// refuse answers with an error.
func (n *native) refuse(topic string, err error) error {
	return n.answer(encodeError(topic, n.session.fault(err)))
}

// answer queues a frame that the client has caused. The error is notifier.ErrSlow for one that
// asks and does not read.
func (n *native) answer(frame []byte) error {
	n.mu.Lock()
	full := n.unsent >= maxUnsent || n.weight >= unsentWeight
	if !full {
		n.unsent++
		n.weight += len(frame)
		n.queueLocked(item{frame: frame})
	}
	n.mu.Unlock()
	if full {
		return notifier.ErrSlow
	}
	n.session.wake()
	return nil
}

func (n *native) ping() error {
	n.mu.Lock()
	n.owed.pongs++
	full := n.owed.pongs > maxUnsent
	n.mu.Unlock()
	if full {
		return notifier.ErrSlow
	}
	n.session.wake()
	return nil
}

// beat notes that a heartbeat is due.
func (n *native) beat() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.owed.beating = true
}

func (n *native) push(i item) {
	n.mu.Lock()
	n.queueLocked(i)
	n.mu.Unlock()
	n.session.wake()
}

// queueLocked queues a frame. It may be a snapshot: what it takes is the session's own until it is sent.
func (n *native) queueLocked(i item) {
	n.queue = append(n.queue, i)
	n.session.holder.Add(len(i.frame))
}

// emit sends what is queued, then, when nothing is, the pongs and the heartbeat that are owed. A queue that is never
// empty does not keep them for ever: somebody takes the socket for dead without them.
func (n *native) emit(out *batch) (more bool) {
	queue, due := n.takeQueue()
	for _, i := range queue {
		if i.frame != nil {
			out.add(i.frame)
			n.session.holder.Add(-len(i.frame))
		}
		if i.opened {
			n.opened()
		}
		if i.held != nil {
			n.forward(out, i.held)
		}
	}
	if len(queue) == 0 || n.late(due) {
		n.pay(out, due)
	}
	return len(queue) > 0
}

// takeQueue returns what is queued, and the signs of life that come after it.
func (n *native) takeQueue() ([]item, signs) {
	n.mu.Lock()
	defer n.mu.Unlock()
	queue := n.queue
	n.queue, n.unsent, n.weight = nil, 0, 0
	return queue, n.owed
}

// follows are the topics that are open.
func (n *native) follows() []subscription {
	n.mu.Lock()
	defer n.mu.Unlock()
	var open []subscription
	for _, h := range n.held {
		if h.sub != nil {
			open = append(open, h.sub)
		}
	}
	return open
}

// end gives up all topics.
func (n *native) end() {
	n.mu.Lock()
	all := n.held
	n.held, n.waiting, n.over = nil, nil, true
	n.mu.Unlock()
	for _, h := range all {
		n.letGo(h)
	}
	n.opens.Wait()
}

// auth replaces the token that the socket was opened with by a newer one of the same user. It answers
// only if the newer token is refused: then the older one still counts, and the socket ends with it.
func (n *native) auth(ctx context.Context, token string) error {
	ctx, cancel := context.WithTimeout(ctx, handshakeWait)
	defer cancel()
	until, err := n.accounts.Renew(ctx, n.session.identity, token)
	if err != nil {
		return n.refuse("", err)
	}
	n.session.watched.renew(until)
	return nil
}
