package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"rowcall/api/identity"
	"rowcall/api/problem"
)

// mostListed bounds the rows of a list, which has no pages.
const mostListed = 10_000

// outcome is what came of a request.
type outcome struct {
	status int
	data   json.RawMessage
	errors []any
}

// act does an action.
func (d *dcrf) act(ctx context.Context, who identity.Identity, asked dcrfRequest, action string) outcome {
	r := asked.stream.resource
	switch action {
	case "list":
		return d.list(ctx, who, r)
	case "create":
		row, wrong := r.rowOf(asked.fields["data"], toCreate, false)
		if len(wrong) > 0 {
			return d.failed(problem.Invalid(wrong))
		}
		rows, err := r.create(ctx, who, [][]assignment{row})
		if err != nil {
			return d.failed(err)
		}
		return outcome{status: http.StatusCreated, data: rows[0]}
	case "retrieve", "update", "patch", "delete", "subscribe_instance", "unsubscribe_instance":
		return d.actOnRow(ctx, who, asked, action)
	}
	return outcome{status: http.StatusMethodNotAllowed, errors: []any{`Method "` + action + `" not allowed.`}}
}

// actOnRow does an action that is about one row.
func (d *dcrf) actOnRow(ctx context.Context, who identity.Identity, asked dcrfRequest, action string) outcome {
	r := asked.stream.resource
	key, err := r.keyIn(asked.fields)
	if err != nil {
		return d.failed(err)
	}
	switch action {
	case "retrieve":
		return d.done(http.StatusOK)(r.get(ctx, who, key))
	case "update":
		return d.change(ctx, who, asked, key, toReplace)
	case "patch":
		return d.change(ctx, who, asked, key, toPatch)
	case "delete":
		return d.done(http.StatusNoContent)(nil, r.remove(ctx, who, key))
	case "subscribe_instance":
		return d.watch(ctx, who, asked, key)
	}
	return d.unwatch(ctx, who, asked, key)
}

// keyIn is the key of the row that a request is about: a number or its text.
func (r *resource) keyIn(fields map[string]json.RawMessage) (string, error) {
	raw, ok := fields["pk"]
	switch {
	case !ok:
		return "", problem.Invalid(fieldErrors{"pk": {saysRequired}})
	case string(raw) == "null":
		return "", problem.Invalid(fieldErrors{"pk": {saysNull}})
	}
	text, form := scalar(raw)
	key, ok := r.keyOf(text)
	if !ok || form != formText && form != formNumber {
		return "", problem.ErrNoRow
	}
	return key, nil
}

// list has all rows that the user sees.
func (d *dcrf) list(ctx context.Context, who identity.Identity, r *resource) outcome {
	rows, _, err := r.list(ctx, who, listing{limit: mostListed + 1}, false)
	switch {
	case err != nil:
		return d.failed(err)
	case len(rows) > mostListed:
		return d.failed(problem.Explain(problem.ErrTooLarge, "There are too many rows to list them all."))
	}
	return outcome{status: http.StatusOK, data: arrayOf(rows)}
}

func arrayOf(rows []json.RawMessage) json.RawMessage {
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

func (d *dcrf) change(ctx context.Context, who identity.Identity, asked dcrfRequest, key string, why intent) outcome {
	r := asked.stream.resource
	row, wrong := r.rowOf(asked.fields["data"], why, false)
	if len(wrong) == 0 {
		return d.done(http.StatusOK)(r.change(ctx, who, key, row))
	}
	if _, err := r.get(ctx, who, key); err != nil {
		return d.failed(err) // what is not there cannot be filled in wrongly
	}
	return d.failed(problem.Invalid(wrong))
}

// watch subscribes to one row under the id of the request.
func (d *dcrf) watch(ctx context.Context, who identity.Identity, asked dcrfRequest, key string) outcome {
	if asked.stream.sub == nil {
		return d.failed(problem.ErrDenied)
	}
	since, err := asked.stream.resource.momentOf(ctx, who, key)
	if err != nil {
		return d.failed(err)
	}
	if !d.addWatcher(asked.stream, key, watcher{id: idOf(asked), since: since}) {
		return d.failed(problem.Explain(problem.ErrTooManySubscriptions, "There are too many subscriptions on this socket."))
	}
	return outcome{status: http.StatusCreated}
}

// unwatch ends the subscription of a row under the id of the request, and no other.
func (d *dcrf) unwatch(ctx context.Context, who identity.Identity, asked dcrfRequest, key string) outcome {
	if d.removeWatcher(asked.stream, key, idOf(asked)) {
		return outcome{status: http.StatusNoContent}
	}
	_, err := asked.stream.resource.get(ctx, who, key)
	return d.done(http.StatusNoContent)(nil, err)
}

// idOf is the request's id in one spelling, type and all.
func idOf(asked dcrfRequest) string {
	var compact bytes.Buffer
	_ = json.Compact(&compact, asked.fields["request_id"]) // it has been read as JSON before
	return compact.String()
}

// done is the outcome of work that may have failed.
func (d *dcrf) done(status int) func(json.RawMessage, error) outcome {
	return func(data json.RawMessage, err error) outcome {
		if err != nil {
			return d.failed(err)
		}
		return outcome{status: status, data: data}
	}
}
