package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"rowcall/api/problem"
	"rowcall/api/resource"
	"rowcall/notifier"
)

// dcrfReply answers a request, and tells a subscriber of a row what happened to it.
type dcrfReply struct {
	Errors    []any           `json:"errors"`
	Data      json.RawMessage `json:"data"`
	Action    json.RawMessage `json:"action"`
	Status    int             `json:"response_status"`
	RequestID json.RawMessage `json:"request_id"`
}

// multiplexed is a frame on a socket of several streams.
type multiplexed struct {
	Stream  json.RawMessage `json:"stream"`
	Payload any             `json:"payload"`
}

func encodeReply(asked dcrfRequest, came outcome) []byte {
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
		return encodeFrame(reply)
	}
	return encodeFrame(multiplexed{asked.named, reply})
}

// failed is the outcome of a request that cannot be done, in the words of the original. There, all that
// is wrong with a row is 400.
func (d *dcrf) failed(err error) outcome {
	if content, ok := errors.AsType[*problem.Rejected](err); ok {
		return outcome{status: http.StatusBadRequest, errors: []any{content.Fields}}
	}
	f := d.session.fault(err)
	text := f.Message
	if !problem.Explained(err) {
		switch f.Status {
		case http.StatusUnauthorized, http.StatusForbidden:
			return outcome{status: http.StatusForbidden, errors: []any{"You do not have permission to perform this action."}}
		case http.StatusNotFound:
			text = "Not found"
		}
	}
	return outcome{status: f.Status, errors: []any{text}}
}

// framesOf are the frames that an event is told in: one to every observer, the same for all sockets, and
// one for each subscription of its row.
func (d *dcrf) framesOf(one *dcrfStream, e *notifier.Event) [][]byte {
	observed := e.Encoded(one.servedResource, one.encode)
	if len(observed) == 0 {
		return nil
	}
	return append([][]byte{observed}, d.instanceFrames(one, e)...)
}

// encode is the observer's frame of an event; nil for one that tells of no row of the resource.
func (s *servedResource) encode(e *notifier.Event) []byte {
	c, ok := s.resource.ParseChange(e)
	if !ok {
		return nil
	}
	kind, _ := problem.EncodeJSON(e.Type)
	row := append(c.Row.Without("type"), resource.Field{Name: "type", Value: kind}, resource.Field{Name: "action", Value: quoted(c.Action)})
	if s.name == "" {
		return encodeFrame(row.JSON())
	}
	name, _ := problem.EncodeJSON(s.name)
	return encodeFrame(multiplexed{name, row.JSON()})
}

// quoted is a plain word as JSON.
func quoted[W ~string](word W) json.RawMessage { return json.RawMessage(`"` + string(word) + `"`) }

// instanceFrames are those for who subscribed to the event's row. Of a row that is gone nothing more will
// be heard.
func (d *dcrf) instanceFrames(one *dcrfStream, e *notifier.Event) [][]byte {
	if !d.watches(one) {
		return nil
	}
	c, _ := one.resource.ParseChange(e)
	tells := dcrfReply{Errors: []any{}, Data: c.Row.JSON(), Action: quoted(c.Action), Status: http.StatusOK}
	if c.Action == resource.Deleted {
		tells.Status = http.StatusNoContent
		tells.Data = resource.Fields{{Name: "pk", Value: c.RawKey}}.JSON()
	}
	var frames [][]byte
	for _, id := range d.watchersOf(one, c.Key, e, c.Action == resource.Deleted) {
		tells.RequestID = json.RawMessage(id)
		frames = append(frames, one.frame(tells))
	}
	return frames
}

func (s *servedResource) frame(payload any) []byte {
	if s.name == "" {
		return encodeFrame(payload)
	}
	name, _ := problem.EncodeJSON(s.name)
	return encodeFrame(multiplexed{name, payload})
}
