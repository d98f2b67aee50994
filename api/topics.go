package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"rowcall/api/access"
	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// topicPath comes before the topic in an address. The topic is read as it is sent, not decoded: what is
// encoded in it belongs to its spelling.
const topicPath = "/v1/topics/"

// topicState is the answer to GET /v1/topics/{topic}.
type topicState struct {
	Topic     topic.Topic     `json:"topic"`
	Cursor    string          `json:"cursor"`
	Snapshot  json.RawMessage `json:"snapshot"`
	Truncated bool            `json:"truncated,omitempty"` // there are more rows than the snapshot has
}

// serveTopic answers with a topic's present state, and the cursor to go on from: each event is
// either in the state or after the cursor.
func (t *topicRequests) serveTopic(w http.ResponseWriter, r *http.Request) {
	t.serveAdmitted(w, r, func(out *answerConn, in *admission) error {
		state, err := t.readState(r, in)
		if err != nil {
			return err
		}
		t.sendJSON(out, state)
		return nil
	})
}

// readState subscribes to read the state, and closes the subscription at once.
func (t *topicRequests) readState(r *http.Request, in *admission) (topicState, error) {
	topics, err := t.parseTopics([]string{strings.TrimPrefix(r.URL.EscapedPath(), topicPath)})
	if err != nil {
		return topicState{}, err
	}
	q, err := problem.ParseQuery(r)
	if err != nil {
		return topicState{}, err
	}
	condition, err := filterIn(q, topics)
	if err != nil {
		return topicState{}, err
	}
	sub, start, err := t.subscribe(r.Context(), in, notifier.Request{Topics: topics, Snapshot: true, Filter: condition, Resumable: true, Wake: func() {}})
	if err != nil {
		return topicState{}, err
	}
	sub.Close()
	return topicState{Topic: topics[0], Cursor: start.Cursor, Snapshot: problem.SoundJSON(start.State), Truncated: start.Truncated}, nil
}

// topicRequests is what all answers to requests about topics over HTTP use.
type topicRequests struct {
	*handshakes
	feed    feed
	topics  *access.Rules
	limits  Limits
	buffers *writeBuffers
}

// parseTopics returns the topics that a request names, each once and in its one spelling.
func (t *topicRequests) parseTopics(names []string) ([]topic.Topic, error) {
	var topics []topic.Topic
	for _, name := range names {
		parsed, err := topic.Parse(name)
		if err != nil {
			return nil, problem.BadParameter("topic", topic.ErrInvalid.Error())
		}
		if parsed = t.topics.Spell(parsed); !slices.Contains(topics, parsed) {
			topics = append(topics, parsed)
		}
		if len(topics) > t.limits.SubscriptionsPerSocket {
			return nil, problem.BadParameter("topic", fmt.Sprintf("at most %d", t.limits.SubscriptionsPerSocket))
		}
	}
	if len(topics) == 0 {
		return nil, problem.BadParameter("topic", "name one or several")
	}
	return topics, nil
}

// subscribe subscribes for the user of a request. The error says why the user is not known, or is
// problem.ErrUnavailable while the feed does not work.
func (t *topicRequests) subscribe(ctx context.Context, in *admission, wanted notifier.Request) (subscription, notifier.Start, error) {
	switch {
	case in.unknown != nil:
		return nil, notifier.Start{}, in.unknown
	case t.feed.Health().Err != nil:
		return nil, notifier.Start{}, problem.ErrUnavailable
	}
	wanted.Meter = t.door.ReplayMeter(in.address, in.identity.User)
	return t.subscribeAs(ctx, in.identity, wanted)
}

// subscribeAs subscribes for a user.
func (t *topicRequests) subscribeAs(ctx context.Context, who identity.Identity, wanted notifier.Request) (subscription, notifier.Start, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeWait)
	defer cancel()
	wanted.Follower = who.Follower()
	return t.feed.Subscribe(ctx, wanted)
}

// wakeSignal holds a token while the subscription of a request has something new.
type wakeSignal chan struct{}

func newWakeSignal() wakeSignal { return make(wakeSignal, 1) }

func (a wakeSignal) wake() {
	select {
	case a <- struct{}{}:
	default:
	}
}

// serveAdmitted calls serve for a request about topics that is admitted. An error of serve means
// that it has not answered.
func (t *topicRequests) serveAdmitted(w http.ResponseWriter, r *http.Request, serve func(out *answerConn, in *admission) error) {
	out := newAnswerConn(w)
	defer out.startFinish(t.limits.WriteTimeout)
	in, err := t.admit(r)
	if err == nil {
		defer in.Close()
		err = serve(out, in)
	}
	if err != nil {
		problem.Refuse(w, r, t.log, err)
	}
}

// sendJSON sends a JSON body that no cache may keep. The client must take each chunk in time. An
// error of writing means that the client has disconnected.
func (t *topicRequests) sendJSON(c *answerConn, body any) {
	text := problem.MustEncodeJSON(body)
	holder := t.feed.NewHolder(c.unload)
	defer holder.Close()
	holder.Add(len(text))
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	c.w.WriteHeader(http.StatusOK)
	out := t.buffers.newBatch(c, t.limits.WriteTimeout, holder)
	defer t.buffers.closeBatch(out)
	out.addFrame(text)
	out.flush()
}

// requestEnd returns why a request is over: the client has disconnected, or its identity no longer
// holds.
func requestEnd(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return errGone
}
