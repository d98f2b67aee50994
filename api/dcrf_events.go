package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"rowcall/api/problem"
	"rowcall/api/resource"
	"rowcall/notifier"
)

// rowSubscription is a subscription of one row. It does not receive what had been committed when it
// was made: the event of a change that the socket itself has just made may come later than the
// answer to the subscription.
type rowSubscription struct {
	requestID string // as JSON
	since     notifier.Moment
}

// indexOfRequest returns the index of the subscription of a request; -1 without one.
func indexOfRequest(watchers []rowSubscription, id string) int {
	return slices.IndexFunc(watchers, func(w rowSubscription) bool { return w.requestID == id })
}

// addRowSubscription adds a subscription of a row, unless the request has one already. It reports
// false if the socket has as many as it may.
func (d *dcrfFlow) addRowSubscription(one *dcrfStream, key string, w rowSubscription) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if indexOfRequest(one.rows[key], w.requestID) >= 0 {
		return true
	}
	n := 0
	for _, stream := range d.streams {
		for _, watchers := range stream.rows {
			n += len(watchers)
		}
	}
	if n >= d.session.limits.SubscriptionsPerSocket {
		return false
	}
	one.rows[key] = append(one.rows[key], w)
	return true
}

// removeRowSubscription removes the subscription of a request. It reports false if there is none.
func (d *dcrfFlow) removeRowSubscription(one *dcrfStream, key, id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := indexOfRequest(one.rows[key], id)
	if at < 0 {
		return false
	}
	one.setRowSubscriptions(key, slices.Delete(slices.Clone(one.rows[key]), at, at+1))
	return true
}

// hasRowSubscriptions reports whether any row of a stream has a subscription.
func (d *dcrfFlow) hasRowSubscriptions(one *dcrfStream) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(one.rows) > 0
}

// requestsToTell returns the requests whose subscriptions of a row receive an event. An event that
// says that the row is gone is the last one for them.
func (d *dcrfFlow) requestsToTell(one *dcrfStream, key string, e *notifier.Event, gone bool) (ids []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var newer []rowSubscription
	for _, w := range one.rows[key] {
		if w.since.Sees(e) {
			newer = append(newer, w)
			continue
		}
		ids = append(ids, w.requestID)
	}
	if gone {
		one.setRowSubscriptions(key, newer)
	}
	return ids
}

// setRowSubscriptions replaces the subscriptions of a row. The caller holds dcrfFlow.mu.
func (s *dcrfStream) setRowSubscriptions(key string, watchers []rowSubscription) {
	if len(watchers) == 0 {
		delete(s.rows, key)
		return
	}
	s.rows[key] = watchers
}

// dcrfReply answers a request, and tells a subscriber of a row what happened to the row.
type dcrfReply struct {
	Errors    []any           `json:"errors"`
	Data      json.RawMessage `json:"data"`
	Action    json.RawMessage `json:"action"`
	Status    int             `json:"response_status"`
	RequestID json.RawMessage `json:"request_id"`
}

// multiplexedFrame is a frame on a socket with several streams.
type multiplexedFrame struct {
	Stream  json.RawMessage `json:"stream"`
	Payload any             `json:"payload"`
}

func encodeReply(asked dcrfRequest, came dcrfOutcome) []byte {
	reply := dcrfReply{
		Errors:    came.errors,
		Data:      problem.SoundJSON(came.data),
		Action:    asked.fields["action"],
		Status:    came.status,
		RequestID: asked.fields["request_id"],
	}
	if reply.Errors == nil {
		reply.Errors = []any{}
	}
	if asked.named == nil {
		return encodeTextFrame(reply)
	}
	return encodeTextFrame(multiplexedFrame{asked.named, reply})
}

// failureOf returns the outcome of a request that cannot be done, in the words of the original.
// There all problems with a row have status 400.
func (d *dcrfFlow) failureOf(err error) dcrfOutcome {
	if content, ok := errors.AsType[*problem.Rejected](err); ok {
		return dcrfOutcome{status: http.StatusBadRequest, errors: []any{content.Fields}, cause: err}
	}
	f := problem.FaultOf(err)
	text := f.Message
	if !problem.Explained(err) {
		switch f.Status {
		case http.StatusUnauthorized, http.StatusForbidden:
			return dcrfOutcome{status: http.StatusForbidden, errors: []any{"You do not have permission to perform this action."}, cause: err}
		case http.StatusNotFound:
			text = "Not found"
		}
	}
	return dcrfOutcome{status: f.Status, errors: []any{text}, cause: err}
}

// eventFrames returns the frames of an event: one for observers, the same for all sockets, and one
// for each subscription of its row.
func (d *dcrfFlow) eventFrames(one *dcrfStream, e *notifier.Event) [][]byte {
	observed := e.Encoded(one.servedResource, one.encodeObserved)
	if len(observed) == 0 {
		return nil
	}
	return append([][]byte{observed}, d.rowFrames(one, e)...)
}

// encodeObserved returns the observers' frame of an event; nil for an event that is not about a row
// of the resource.
func (s *servedResource) encodeObserved(e *notifier.Event) []byte {
	c, ok := s.resource.Latest().ParseChange(e)
	if !ok {
		return nil
	}
	kind, _ := problem.EncodeJSON(e.Type)
	row := append(c.Row.Without("type"), resource.Field{Name: "type", Value: kind}, resource.Field{Name: "action", Value: quoteWord(c.Action)})
	if s.name == "" {
		return encodeTextFrame(row.JSON())
	}
	name, _ := problem.EncodeJSON(s.name)
	return encodeTextFrame(multiplexedFrame{name, row.JSON()})
}

// quoteWord returns a plain word as JSON.
func quoteWord[W ~string](word W) json.RawMessage { return json.RawMessage(`"` + string(word) + `"`) }

// rowFrames returns the frames for the subscriptions of the event's row. After the row is gone,
// they receive nothing more.
func (d *dcrfFlow) rowFrames(one *dcrfStream, e *notifier.Event) [][]byte {
	if !d.hasRowSubscriptions(one) {
		return nil
	}
	c, _ := one.resource.Latest().ParseChange(e)
	tells := dcrfReply{Errors: []any{}, Data: c.Row.JSON(), Action: quoteWord(c.Action), Status: http.StatusOK}
	if c.Action == resource.Deleted {
		tells.Status = http.StatusNoContent
		tells.Data = resource.Fields{{Name: "pk", Value: c.RawKey}}.JSON()
	}
	var frames [][]byte
	for _, id := range d.requestsToTell(one, c.Key, e, c.Action == resource.Deleted) {
		tells.RequestID = json.RawMessage(id)
		frames = append(frames, one.encodeFrame(tells))
	}
	return frames
}

func (s *servedResource) encodeFrame(payload any) []byte {
	if s.name == "" {
		return encodeTextFrame(payload)
	}
	name, _ := problem.EncodeJSON(s.name)
	return encodeTextFrame(multiplexedFrame{name, payload})
}
