package resource

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"rowcall/api/identity"
	"rowcall/api/problem"
)

const (
	longestBody = 1 << 20 // bytes
	mostRows    = 1000    // that a request makes
	mostValues  = 60_000  // parameters of a statement
)

// Require returns a handler that identifies the user, answers an error of admits, and otherwise calls
// answer, whose error it answers. It is the method Require of *identity.Accounts.
type Require func(admits func(identity.Identity) error, answer func(http.ResponseWriter, *http.Request, identity.Identity) error) http.HandlerFunc

// Routes adds the addresses of the resources: /api/{name}, /api/{name}/{key} and /api/resources, each
// with and without a slash at its end.
func (r *Resources) Routes(mux *http.ServeMux, require Require) {
	if r == nil {
		return
	}
	for _, slash := range []string{"", "/{$}"} {
		mux.HandleFunc("/api/resources"+slash, require(admitAll, r.serveDescriptions))
		for _, one := range r.current() {
			mux.HandleFunc("/api/"+one.name+slash, require(one.Admits, one.serving((*Resource).serveRows)))
			mux.HandleFunc("/api/"+one.name+"/{key}"+slash, require(one.Admits, one.serving((*Resource).serveRow)))
		}
	}
}

func admitAll(identity.Identity) error { return nil }

// answer answers a request, or returns an error and has not answered.
type answer func(w http.ResponseWriter, q *http.Request, who identity.Identity) error

// serving has requests answered by the resource as it is at the time, twice if the catalog has changed.
func (r *Resource) serving(serve func(*Resource, http.ResponseWriter, *http.Request, identity.Identity) error) answer {
	return func(w http.ResponseWriter, q *http.Request, who identity.Identity) error {
		body := keepBody(q)
		return r.Do(q.Context(), func(now *Resource) error {
			body.rewind()
			return serve(now, w, q, who)
		})
	}
}

// keptBody is a body that can be read again from its beginning.
type keptBody struct {
	request *http.Request
	rest    io.ReadCloser
	read    bytes.Buffer
}

func keepBody(q *http.Request) *keptBody { return &keptBody{request: q, rest: q.Body} }

// rewind has the next reader begin with what was read before.
func (b *keptBody) rewind() {
	before := bytes.NewReader(bytes.Clone(b.read.Bytes()))
	b.request.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(before, io.TeeReader(b.rest, &b.read)), b.rest}
}

// serveRows lists and makes rows.
func (r *Resource) serveRows(w http.ResponseWriter, q *http.Request, who identity.Identity) error {
	switch q.Method {
	case http.MethodGet, http.MethodHead:
		return r.serveList(w, q, who)
	case http.MethodPost:
		return r.serveCreate(w, q, who)
	}
	return problem.NotAllowed(w, "GET, HEAD, POST")
}

// serveRow reads, changes and deletes the row that the address names. A PUT or PATCH needs no ETag:
// the last writer wins.
func (r *Resource) serveRow(w http.ResponseWriter, q *http.Request, who identity.Identity) error {
	key, ok := r.ParseKey(q.PathValue("key"))
	if !ok {
		return problem.ErrNoRow
	}
	switch q.Method {
	case http.MethodGet, http.MethodHead:
		row, err := r.Get(q.Context(), who, key)
		return writeRow(w, row, err)
	case http.MethodPut:
		return r.serveChange(w, q, who, key, ToReplace)
	case http.MethodPatch:
		return r.serveChange(w, q, who, key, ToPatch)
	case http.MethodDelete:
		return r.serveRemove(w, q, who, key)
	}
	return problem.NotAllowed(w, "GET, HEAD, PUT, PATCH, DELETE")
}

// pageOfRows is the answer to a listing.
type pageOfRows struct {
	Total  int64             `json:"total"`
	Limit  int               `json:"limit"`
	Offset int               `json:"offset"`
	Rows   []json.RawMessage `json:"rows"`
}

func (r *Resource) serveList(w http.ResponseWriter, q *http.Request, who identity.Identity) error {
	values, err := problem.ParseQuery(q)
	if err != nil {
		return err
	}
	wanted, wrong := r.parseListing(values.Values)
	if len(wrong) > 0 {
		return problem.Invalid(wrong)
	}
	rows, total, err := r.list(q.Context(), who, wanted, true)
	if err != nil {
		return err
	}
	problem.WriteJSON(w, http.StatusOK, pageOfRows{total, wanted.limit, wanted.offset, rows})
	return nil
}

// serveCreate makes a row of an object, or several rows of a list.
func (r *Resource) serveCreate(w http.ResponseWriter, q *http.Request, who identity.Identity) error {
	body, err := readBody(w, q)
	if err != nil {
		return err
	}
	if body[0] == '[' {
		return r.serveBulkCreate(w, q.Context(), who, body)
	}
	row, wrong := r.ParseRow(body, ToCreate, true)
	if len(wrong) > 0 {
		return problem.Invalid(wrong)
	}
	made, err := r.Create(q.Context(), who, row)
	if err != nil {
		return err
	}
	w.Header().Set("Location", r.addressOf(made[0]))
	problem.WriteJSON(w, http.StatusCreated, made[0])
	return nil
}

// addressOf is the address of a row.
func (r *Resource) addressOf(row json.RawMessage) string {
	fields, _ := parseObject(row)
	key, _ := scalar(fields[r.key.Name])
	return "/api/" + r.name + "/" + url.PathEscape(key)
}

// serveBulkCreate makes all rows of a list or none. If rows are wrong, the answer has a list of the
// same length with the messages of each.
func (r *Resource) serveBulkCreate(w http.ResponseWriter, ctx context.Context, who identity.Identity, body json.RawMessage) error {
	var given []json.RawMessage
	_ = json.Unmarshal(body, &given) // the body was read as JSON before
	if most := min(mostRows, mostValues/len(r.table.columns)); len(given) == 0 || len(given) > most {
		return problem.Explain(problem.ErrBadRequest, fmt.Sprintf("a list has 1 to %d rows", most))
	}
	rows, wrong, valid := make([]Row, len(given)), make([]FieldErrors, len(given)), true
	for i, one := range given {
		rows[i], wrong[i] = r.ParseRow(one, ToCreate, true)
		valid = valid && len(wrong[i]) == 0
	}
	if !valid {
		return problem.Invalid(wrong)
	}
	made, err := r.Create(ctx, who, rows...)
	if err != nil {
		return err
	}
	problem.WriteJSON(w, http.StatusCreated, made)
	return nil
}

func (r *Resource) serveChange(w http.ResponseWriter, q *http.Request, who identity.Identity, key string, why Intent) error {
	body, err := readBody(w, q)
	if err != nil {
		return err
	}
	given, wrong := r.ParseRow(body, why, true)
	if len(wrong) > 0 {
		return problem.Invalid(wrong)
	}
	row, err := r.Change(q.Context(), who, key, given)
	return writeRow(w, row, err)
}

func (r *Resource) serveRemove(w http.ResponseWriter, q *http.Request, who identity.Identity, key string) error {
	if err := r.Remove(q.Context(), who, key); err != nil {
		return err
	}
	writeNothing(w)
	return nil
}

// writeRow answers with a row, unless there is an error, which it returns.
func writeRow(w http.ResponseWriter, row json.RawMessage, err error) error {
	if err != nil {
		return err
	}
	problem.WriteJSON(w, http.StatusOK, row)
	return nil
}

func writeNothing(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// readBody reads a JSON document.
func readBody(w http.ResponseWriter, r *http.Request) (json.RawMessage, error) {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != "application/json" && !strings.HasSuffix(mediaType, "+json") {
		return nil, problem.ErrMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestBody))
	if err != nil {
		return nil, problem.OfBody(err)
	}
	var document json.RawMessage
	if err := json.Unmarshal(body, &document); err != nil {
		return nil, problem.Explain(problem.ErrBadRequest, "the body must be one JSON document")
	}
	return document, nil
}
