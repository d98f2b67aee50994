package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/api/resource"
	"rowcall/notifier"
)

// dcrfRequest is a frame of the client that can be answered: it has a request_id.
type dcrfRequest struct {
	stream *dcrfStream     // nil: the frame names no stream of this socket
	named  json.RawMessage // the name of the stream, as in the frame; nil on a bare socket
	fields map[string]json.RawMessage

	resource *resource.Resource // of the stream, as it is while the request is worked on
}

// parseRequest reads a frame. An error closes the socket: without a request_id no answer could be
// matched to the request.
func (d *dcrfFlow) parseRequest(kind int, text []byte) (dcrfRequest, error) {
	if kind != websocket.TextMessage || !utf8.Valid(text) || !json.Valid(text) {
		return dcrfRequest{}, problem.ErrNotUnderstood
	}
	fields := fieldsOf(text)
	asked := dcrfRequest{fields: fields}
	if d.bare {
		asked.stream = d.streams[0]
	} else if payload, ok := fields["payload"]; ok {
		asked.named = fields["stream"]
		asked.fields = fieldsOf(payload)
		asked.stream = d.streamNamed(asked.named)
	}
	if _, ok := asked.fields["request_id"]; !ok {
		return dcrfRequest{}, problem.ErrNotUnderstood
	}
	return asked, nil
}

// fieldsOf returns the fields of an object; none if the JSON is no object.
func fieldsOf(raw json.RawMessage) (fields map[string]json.RawMessage) {
	_ = json.Unmarshal(raw, &fields) // the frame was read as JSON before
	return fields
}

func (d *dcrfFlow) streamNamed(name json.RawMessage) *dcrfStream {
	var text string
	if json.Unmarshal(name, &text) != nil {
		return nil
	}
	at := slices.IndexFunc(d.streams, func(s *dcrfStream) bool { return s.name == text })
	if at < 0 {
		return nil
	}
	return d.streams[at]
}

// answerRequest does what a request asks for. The error closes the socket.
func (d *dcrfFlow) answerRequest(ctx context.Context, asked dcrfRequest) ([]byte, error) {
	if asked.stream == nil {
		return d.reply(asked, d.failureOf(problem.Invalid("Invalid multiplexed frame received (stream not mapped)"))), nil
	}
	who, err := d.currentIdentity(ctx)
	if errors.Is(err, problem.ErrUnauthorized) {
		return nil, err
	}
	if err == nil {
		err = asked.stream.resource.Admits(who)
	}
	var action string
	if err == nil {
		action, err = resource.ParseText(asked.fields, "action")
	}
	if err != nil {
		return d.reply(asked, d.failureOf(err)), nil
	}
	return d.reply(asked, d.doCurrentAction(ctx, who, asked, action)), nil
}

// reply logs a failure that no client can have caused, and returns the frame that answers a request.
func (d *dcrfFlow) reply(asked dcrfRequest, outcome dcrfOutcome) []byte {
	if outcome.cause != nil {
		d.session.logFault(outcome.cause)
	}
	return encodeReply(asked, outcome)
}

// doCurrentAction does the action of a request with the resource as it is now, and once more if the
// catalog has changed in the meantime.
func (d *dcrfFlow) doCurrentAction(ctx context.Context, who identity.Identity, asked dcrfRequest, action string) (outcome dcrfOutcome) {
	err := asked.stream.resource.Do(ctx, func(now *resource.Resource) error {
		asked.resource = now
		outcome = d.doAction(ctx, who, asked, action)
		return outcome.cause
	})
	if errors.Is(err, problem.ErrUnfit) {
		return d.failureOf(err)
	}
	return outcome
}

// currentIdentity returns the identity of the socket with the staff flag of today. The error is
// problem.ErrUnauthorized if the identity no longer holds.
func (d *dcrfFlow) currentIdentity(ctx context.Context) (identity.Identity, error) {
	who := d.session.identity
	if who.Anonymous() {
		return who, nil
	}
	standings, err := d.accounts.Current(ctx, []notifier.Follower{who.Follower()})
	if err != nil {
		return who, err
	}
	if !standings[0].Valid {
		return who, problem.ErrUnauthorized
	}
	who.Staff = standings[0].Staff
	return who, nil
}

// maxListedRows bounds the rows of a list, which has no pages.
const maxListedRows = 10_000

// dcrfOutcome is what came of a request.
type dcrfOutcome struct {
	status int
	data   json.RawMessage
	errors []any
	cause  error // of a failure
}

// doAction does the action of a request.
func (d *dcrfFlow) doAction(ctx context.Context, who identity.Identity, asked dcrfRequest, action string) dcrfOutcome {
	r := asked.resource
	switch action {
	case "list":
		return d.listRows(ctx, who, r)
	case "create":
		row, wrong := r.ParseRow(asked.fields["data"], resource.ToCreate, false)
		if len(wrong) > 0 {
			return d.failureOf(problem.Invalid(wrong))
		}
		rows, err := r.Create(ctx, who, row)
		if err != nil {
			return d.failureOf(err)
		}
		return dcrfOutcome{status: http.StatusCreated, data: rows[0]}
	case "retrieve", "update", "patch", "delete", "subscribe_instance", "unsubscribe_instance":
		return d.doRowAction(ctx, who, asked, action)
	}
	return dcrfOutcome{status: http.StatusMethodNotAllowed, errors: []any{`Method "` + action + `" not allowed.`}}
}

// doRowAction does an action about one row.
func (d *dcrfFlow) doRowAction(ctx context.Context, who identity.Identity, asked dcrfRequest, action string) dcrfOutcome {
	r := asked.resource
	key, err := r.ParseJSONKey(asked.fields, "pk")
	if err != nil {
		return d.failureOf(err)
	}
	switch action {
	case "retrieve":
		return d.outcomeOf(http.StatusOK)(r.Get(ctx, who, key))
	case "update":
		return d.changeRow(ctx, who, asked, key, resource.ToReplace)
	case "patch":
		return d.changeRow(ctx, who, asked, key, resource.ToPatch)
	case "delete":
		return d.outcomeOf(http.StatusNoContent)(nil, r.Remove(ctx, who, key))
	case "subscribe_instance":
		return d.subscribeRow(ctx, who, asked, key)
	}
	return d.unsubscribeRow(ctx, who, asked, key)
}

// listRows returns all rows that the user may see.
func (d *dcrfFlow) listRows(ctx context.Context, who identity.Identity, r *resource.Resource) dcrfOutcome {
	rows, err := r.List(ctx, who, maxListedRows+1)
	switch {
	case err != nil:
		return d.failureOf(err)
	case len(rows) > maxListedRows:
		return d.failureOf(problem.Explain(problem.ErrTooLarge, "There are too many rows to list them all."))
	}
	return dcrfOutcome{status: http.StatusOK, data: joinRows(rows)}
}

func joinRows(rows []json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, row := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(problem.SoundJSON(row))
	}
	b.WriteByte(']')
	return b.Bytes()
}

func (d *dcrfFlow) changeRow(ctx context.Context, who identity.Identity, asked dcrfRequest, key string, why resource.Intent) dcrfOutcome {
	r := asked.resource
	row, wrong := r.ParseRow(asked.fields["data"], why, false)
	if len(wrong) == 0 {
		return d.outcomeOf(http.StatusOK)(r.Change(ctx, who, key, row))
	}
	if _, err := r.Get(ctx, who, key); err != nil {
		return d.failureOf(err) // a row that does not exist is the first error
	}
	return d.failureOf(problem.Invalid(wrong))
}

// subscribeRow subscribes to one row, under the id of the request.
func (d *dcrfFlow) subscribeRow(ctx context.Context, who identity.Identity, asked dcrfRequest, key string) dcrfOutcome {
	if asked.stream.sub == nil {
		return d.failureOf(problem.ErrDenied)
	}
	since, err := asked.resource.Moment(ctx, who, key)
	if err != nil {
		return d.failureOf(err)
	}
	if !d.addRowSubscription(asked.stream, key, rowSubscription{requestID: requestIDOf(asked), since: since}) {
		return d.failureOf(problem.Explain(problem.ErrTooManySubscriptions, "There are too many subscriptions on this socket."))
	}
	return dcrfOutcome{status: http.StatusCreated}
}

// unsubscribeRow ends the subscription of a row that has the id of the request.
func (d *dcrfFlow) unsubscribeRow(ctx context.Context, who identity.Identity, asked dcrfRequest, key string) dcrfOutcome {
	if d.removeRowSubscription(asked.stream, key, requestIDOf(asked)) {
		return dcrfOutcome{status: http.StatusNoContent}
	}
	_, err := asked.resource.Get(ctx, who, key)
	return d.outcomeOf(http.StatusNoContent)(nil, err)
}

// requestIDOf returns the id of a request as compact JSON, so that equal ids have one spelling.
func requestIDOf(asked dcrfRequest) string {
	var compact bytes.Buffer
	_ = json.Compact(&compact, asked.fields["request_id"]) // the frame was read as JSON before
	return compact.String()
}

// outcomeOf returns the outcome of work that may have failed.
func (d *dcrfFlow) outcomeOf(status int) func(json.RawMessage, error) dcrfOutcome {
	return func(data json.RawMessage, err error) dcrfOutcome {
		if err != nil {
			return d.failureOf(err)
		}
		return dcrfOutcome{status: status, data: data}
	}
}
