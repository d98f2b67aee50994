package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/api/resource"
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
		row, wrong := r.ParseRow(asked.fields["data"], resource.ToCreate, false)
		if len(wrong) > 0 {
			return d.failed(problem.Invalid(wrong))
		}
		rows, err := r.Create(ctx, who, row)
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
	key, err := r.ParseJSONKey(asked.fields, "pk")
	if err != nil {
		return d.failed(err)
	}
	switch action {
	case "retrieve":
		return d.done(http.StatusOK)(r.Get(ctx, who, key))
	case "update":
		return d.change(ctx, who, asked, key, resource.ToReplace)
	case "patch":
		return d.change(ctx, who, asked, key, resource.ToPatch)
	case "delete":
		return d.done(http.StatusNoContent)(nil, r.Remove(ctx, who, key))
	case "subscribe_instance":
		return d.watch(ctx, who, asked, key)
	}
	return d.unwatch(ctx, who, asked, key)
}

// list has all rows that the user sees.
func (d *dcrf) list(ctx context.Context, who identity.Identity, r *resource.Resource) outcome {
	rows, err := r.List(ctx, who, mostListed+1)
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

func (d *dcrf) change(ctx context.Context, who identity.Identity, asked dcrfRequest, key string, why resource.Intent) outcome {
	r := asked.stream.resource
	row, wrong := r.ParseRow(asked.fields["data"], why, false)
	if len(wrong) == 0 {
		return d.done(http.StatusOK)(r.Change(ctx, who, key, row))
	}
	if _, err := r.Get(ctx, who, key); err != nil {
		return d.failed(err) // what is not there cannot be filled in wrongly
	}
	return d.failed(problem.Invalid(wrong))
}

// watch subscribes to one row under the id of the request.
func (d *dcrf) watch(ctx context.Context, who identity.Identity, asked dcrfRequest, key string) outcome {
	if asked.stream.sub == nil {
		return d.failed(problem.ErrDenied)
	}
	since, err := asked.stream.resource.Moment(ctx, who, key)
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
	_, err := asked.stream.resource.Get(ctx, who, key)
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
