package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"

	"rowcall/api/access"
	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

const (
	concurrentSubscribes = 8         // of one socket: subscribes that run, or whose answer waits
	eventsPerTake        = 256       // events taken of one topic before the next has its turn
	maxUnsentAnswers     = 1024      // answers that wait for the client to read
	maxUnsentBytes       = 256 << 10 // of these answers
	maxPassesBeforeSigns = 8         // of the queue, each with at most eventsPerTake events of each topic, before signs of life are sent
)

// nativeSubprotocol is the name of the native subprotocol.
const nativeSubprotocol = "rowcall.v1"

// nativeFlow is the flow of the native protocol: one socket follows many topics.
//
// Frames of a topic are queued in the order of what they say: subscribed, then events, then
// unsubscribed or error. The writer takes them from the queue.
type nativeFlow struct {
	session  *session
	topics   *access.Rules
	accounts *identity.Accounts // check newer tokens

	subscribes sync.WaitGroup

	mu            sync.Mutex // guards what follows, and the fields of each slot; nothing blocks under it
	slots         map[topic.Topic]*topicSlot
	waitingSlots  []*topicSlot // to be subscribed when another subscribe is answered
	subscribing   int          // subscribes that run, or whose answer is in queue
	queue         []queueItem  // for the writer
	unsentAnswers int          // answers in queue
	unsentBytes   int          // bytes of these answers
	owedSigns     signsOfLife
	released      bool

	passesWithoutSigns int // passes that signs of life have waited for; only the writer uses it
}

// signsOfLife are the signs of life that are due.
type signsOfLife struct {
	pongs     int
	heartbeat bool
}

// queueItem is a frame for the writer, or a topic to take events of; if it is both, the frame goes
// first.
type queueItem struct {
	frame            []byte
	slot             *topicSlot
	answersSubscribe bool // the frame answers a subscribe
}

// topicSlot is a topic that the client has asked for, until it is unsubscribed, replaced or
// refused.
type topicSlot struct {
	topic        topic.Topic
	asked        nativeRequest
	filter       any                // as notifier.Request has it
	subscribe    func()             // subscribes
	cancel       context.CancelFunc // cancels the subscribe
	subscription subscription       // nil until the topic is subscribed
	queued       bool               // the topic is in the queue
	formatKey    any                // of the encoding of its events
	encode       func(*notifier.Event) []byte
}

// nativeProtocol is the protocol of sockets at nativePath.
type nativeProtocol struct {
	topics   *access.Rules
	accounts *identity.Accounts
}

func (nativeProtocol) kind() sessionKind { return sessionNative }

func (nativeProtocol) refuses(*admission) error { return nil }

func (p nativeProtocol) open(r *http.Request, in *admission, s *session) (flow, error) {
	switch {
	case identity.OffersSubprotocols(r) && !slices.Contains(identity.OfferedSubprotocols(r), nativeSubprotocol):
		return nil, problem.ErrNoSubprotocol
	case in.unknown != nil:
		return nil, in.unknown
	case s.feed.Health().Err != nil:
		return nil, problem.ErrUnavailable
	}
	return newNative(s, p.topics, p.accounts), nil
}

func newNative(s *session, topics *access.Rules, accounts *identity.Accounts) *nativeFlow {
	return &nativeFlow{session: s, topics: topics, accounts: accounts, slots: map[topic.Topic]*topicSlot{}}
}

// start queues the welcome, the first frame.
func (n *nativeFlow) start() {
	n.enqueue(queueItem{frame: encodeTextFrame(welcomeFrame{
		Op:               "welcome",
		Session:          n.session.presence.name,
		Heartbeat:        n.session.limits.PingInterval.Milliseconds(),
		MaxSubscriptions: n.session.limits.SubscriptionsPerSocket,
	})})
}

// receive does what a frame of the client asks for. A malformed frame is answered with an error,
// and the socket stays open.
func (n *nativeFlow) receive(ctx context.Context, kind int, message io.Reader) error {
	text, err := io.ReadAll(message)
	if err != nil {
		return nil // an error of the connection, which the reader meets again
	}
	req, err := parseNativeRequest(kind, text)
	if err != nil {
		return n.answerError(req.Topic, err)
	}
	switch req.Op {
	case "ping":
		return n.queuePong()
	case "subscribe":
		return n.subscribe(ctx, req)
	case "unsubscribe":
		return n.unsubscribe(req)
	case "auth":
		return n.renewToken(ctx, req.Token)
	}
	return n.answerError(req.Topic, problem.Explain(problem.ErrBadRequest, "unknown op"))
}

// answerError answers the client with an error.
func (n *nativeFlow) answerError(topic string, err error) error {
	return n.queueAnswer(encodeErrorFrame(topic, n.session.logFault(err)))
}

// queueAnswer queues an answer to the client. The error is notifier.ErrSlow for a client that asks
// and does not read.
func (n *nativeFlow) queueAnswer(frame []byte) error {
	n.mu.Lock()
	full := n.unsentAnswers >= maxUnsentAnswers || n.unsentBytes >= maxUnsentBytes
	if !full {
		n.unsentAnswers++
		n.unsentBytes += len(frame)
		n.appendLocked(queueItem{frame: frame})
	}
	n.mu.Unlock()
	if full {
		return notifier.ErrSlow
	}
	n.session.wake()
	return nil
}

func (n *nativeFlow) queuePong() error {
	n.mu.Lock()
	n.owedSigns.pongs++
	full := n.owedSigns.pongs > maxUnsentAnswers
	n.mu.Unlock()
	if full {
		return notifier.ErrSlow
	}
	n.session.wake()
	return nil
}

// heartbeatDue notes that a heartbeat is due.
func (n *nativeFlow) heartbeatDue() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.owedSigns.heartbeat = true
}

func (n *nativeFlow) enqueue(i queueItem) {
	n.mu.Lock()
	n.appendLocked(i)
	n.mu.Unlock()
	n.session.wake()
}

// appendLocked queues an item. Its frame may be a snapshot, and counts as the session's until it is
// sent.
func (n *nativeFlow) appendLocked(i queueItem) {
	n.queue = append(n.queue, i)
	n.session.holder.Add(len(i.frame))
}

// emit sends what is queued, and then, once nothing is, the pongs and the heartbeat that are due. A
// queue that is never empty delays them only for so long: without them the client would take the
// socket for dead.
func (n *nativeFlow) emit(out *writeBatch) (more bool) {
	queue, due := n.takeQueue()
	for _, i := range queue {
		if i.frame != nil {
			out.addFrame(i.frame)
			n.session.holder.Add(-len(i.frame))
		}
		if i.answersSubscribe {
			n.subscribeAnswered()
		}
		if i.slot != nil {
			n.sendEvents(out, i.slot)
		}
	}
	if len(queue) == 0 || n.signsOverdue(due) {
		n.sendSigns(out, due)
	}
	return len(queue) > 0
}

// takeQueue returns what is queued, and the signs of life that are due after it.
func (n *nativeFlow) takeQueue() ([]queueItem, signsOfLife) {
	n.mu.Lock()
	defer n.mu.Unlock()
	queue := n.queue
	n.queue, n.unsentAnswers, n.unsentBytes = nil, 0, 0
	return queue, n.owedSigns
}

// subscriptions returns the subscriptions of the topics that are open.
func (n *nativeFlow) subscriptions() []subscription {
	n.mu.Lock()
	defer n.mu.Unlock()
	var open []subscription
	for _, slot := range n.slots {
		if slot.subscription != nil {
			open = append(open, slot.subscription)
		}
	}
	return open
}

// release ends all topics.
func (n *nativeFlow) release() {
	n.mu.Lock()
	all := n.slots
	n.slots, n.waitingSlots, n.released = nil, nil, true
	n.mu.Unlock()
	for _, slot := range all {
		n.releaseSlot(slot)
	}
	n.subscribes.Wait()
}

// renewToken replaces the token that the socket was opened with by a newer one of the same user. It
// answers only if the newer token is refused: then the older one still counts, and the socket ends
// with it. A newer token with other claims ends the socket, where rules read claims.
func (n *nativeFlow) renewToken(ctx context.Context, token string) error {
	ctx, cancel := context.WithTimeout(ctx, handshakeWait)
	defer cancel()
	until, err := n.accounts.Renew(ctx, n.session.identity, token)
	if errors.Is(err, problem.ErrRightsChanged) {
		return err // the client opens another socket with the newer token
	}
	if err != nil {
		return n.answerError("", err)
	}
	n.session.vigilEntry.renewUntil(until)
	return nil
}
