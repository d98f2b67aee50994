package api

import (
	"context"
	"encoding/json"
	"errors"
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
	stream *dcrfStream     // nil: the frame names none that is here
	named  json.RawMessage // the stream's name as the frame has it; nil on a bare socket
	fields map[string]json.RawMessage
}

// parse reads a frame. The error closes the socket: nobody could tell which request an answer is for.
func (d *dcrf) parse(kind int, text []byte) (dcrfRequest, error) {
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

func (d *dcrf) streamNamed(name json.RawMessage) *dcrfStream {
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

// answer does what is asked for. The error closes the socket.
func (d *dcrf) answer(ctx context.Context, asked dcrfRequest) ([]byte, error) {
	if asked.stream == nil {
		return encodeReply(asked, d.failed(problem.Invalid("Invalid multiplexed frame received (stream not mapped)"))), nil
	}
	who, err := d.identity(ctx)
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
		return encodeReply(asked, d.failed(err)), nil
	}
	return encodeReply(asked, d.act(ctx, who, asked, action)), nil
}

// identity is who the socket was opened by, if they still are. The staff flag is today's.
func (d *dcrf) identity(ctx context.Context) (identity.Identity, error) {
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
