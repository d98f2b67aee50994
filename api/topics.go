package api

import (
	"encoding/json"
	"net/http"

	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// topicState is the answer to GET /v1/topics/{topic}.
type topicState struct {
	Topic    topic.Topic     `json:"topic"`
	Cursor   string          `json:"cursor"`
	Snapshot json.RawMessage `json:"snapshot"`
}

// serveTopic answers with a topic's present state and the cursor to go on from: an event is either
// in the state or comes after the cursor.
func (t *topicRequests) serveTopic(w http.ResponseWriter, r *http.Request) {
	t.admitted(w, r, func(out *answerConn, in *admission) error {
		state, err := t.topicState(r, in)
		if err != nil {
			return err
		}
		t.answer(out, state)
		return nil
	})
}

// topicState asks the feed for nothing but the state: the subscription that comes with it is closed
// at once.
func (t *topicRequests) topicState(r *http.Request, in *admission) (topicState, error) {
	topics, err := t.followed([]string{r.PathValue("topic")})
	if err != nil {
		return topicState{}, err
	}
	sub, start, err := t.subscribe(r.Context(), in, notifier.Request{Topics: topics, Snapshot: true, Wake: func() {}})
	if err != nil {
		return topicState{}, err
	}
	sub.Close()
	return topicState{Topic: topics[0], Cursor: start.Cursor, Snapshot: problem.SoundJSON(start.State)}, nil
}
