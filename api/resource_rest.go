package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"rowcall/notifier"
)

const (
	contentBytes = 1 << 20 // of a body
	mostRows     = 1000    // made by one request
	mostValues   = 60_000  // in one statement
)

// serveResources answers at /api/{name} and /api/{name}/{key}, with and without a slash at the end.
func (s *Server) serveResources(mux *http.ServeMux, all *Resources) {
	if all == nil {
		return
	}
	for _, r := range all.list {
		rows, row := "/api/"+r.name, "/api/"+r.name+"/{key}"
		for _, slash := range []string{"", "/{$}"} {
			mux.HandleFunc(rows+slash, s.forUsers(r.admits, r.serveRows))
			mux.HandleFunc(row+slash, s.forUsers(r.admits, r.serveRow))
		}
	}
}

// reply answers a request, or returns why not.
type reply func(w http.ResponseWriter, r *http.Request, who Identity) error

// forUsers finds out who asks and whether they may at all.
func (s *Server) forUsers(admits func(Identity) error, answer reply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, err := s.accounts.Identify(r.Context(), r)
		if err == nil {
			err = admits(who)
		}
		if err == nil {
			err = answer(w, r, who)
		}
		if errors.Is(err, errDenied) && who.Anonymous() {
			err = notifier.ErrUnauthorized // a login may help
		}
		if err != nil {
			refuse(w, r, s.log, err)
		}
	}
}

// serveRows lists and creates.
func (r *resource) serveRows(w http.ResponseWriter, q *http.Request, who Identity) error {
	switch q.Method {
	case http.MethodGet, http.MethodHead:
		return r.serveList(w, q, who)
	case http.MethodPost:
		return r.serveCreate(w, q, who)
	}
	return notAllowed(w, "GET, HEAD, POST")
}

// serveRow is about the row that the address names.
func (r *resource) serveRow(w http.ResponseWriter, q *http.Request, who Identity) error {
	key, ok := r.keyOf(q.PathValue("key"))
	if !ok {
		return errNoRow
	}
	switch q.Method {
	case http.MethodGet, http.MethodHead:
		return answerRow(w, http.StatusOK)(r.get(q.Context(), who, key))
	case http.MethodPut:
		return r.serveChange(w, q, who, key, toReplace)
	case http.MethodPatch:
		return r.serveChange(w, q, who, key, toPatch)
	case http.MethodDelete:
		return r.serveRemove(w, q, who, key)
	}
	return notAllowed(w, "GET, HEAD, PUT, PATCH, DELETE")
}

func notAllowed(w http.ResponseWriter, methods string) error {
	w.Header().Set("Allow", methods)
	return errMethod
}

// keyOf brings a key to its one spelling. It reports false where no row can have it.
func (r *resource) keyOf(text string) (string, bool) {
	value, problem := r.key.sought(text)
	key, ok := value.(string)
	return key, ok && problem == "" && text != ""
}

// pageOfRows is a part of the rows that there are.
type pageOfRows struct {
	Total  int64             `json:"total"`
	Limit  int               `json:"limit"`
	Offset int               `json:"offset"`
	Rows   []json.RawMessage `json:"rows"`
}

func (r *resource) serveList(w http.ResponseWriter, q *http.Request, who Identity) error {
	values, err := parseQuery(q)
	if err != nil {
		return err
	}
	wanted, wrong := r.listingOf(values.Values)
	if len(wrong) > 0 {
		return invalid(wrong)
	}
	rows, total, err := r.list(q.Context(), who, wanted, true)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, pageOfRows{total, wanted.limit, wanted.offset, rows})
	return nil
}

// serveCreate makes one row of an object, or several of a list.
func (r *resource) serveCreate(w http.ResponseWriter, q *http.Request, who Identity) error {
	body, err := readContent(w, q)
	if err != nil {
		return err
	}
	if body[0] == '[' {
		return r.serveBulk(w, q.Context(), who, body)
	}
	row, wrong := r.rowOf(body, toCreate, true)
	if len(wrong) > 0 {
		return invalid(wrong)
	}
	made, err := r.create(q.Context(), who, [][]assignment{row})
	if err != nil {
		return err
	}
	w.Header().Set("Location", r.addressOf(made[0]))
	writeJSON(w, http.StatusCreated, made[0])
	return nil
}

// addressOf is where a row is found.
func (r *resource) addressOf(row json.RawMessage) string {
	fields, _ := objectOf(row)
	key, _ := scalar(fields[r.key.Name])
	return "/api/" + r.name + "/" + url.PathEscape(key)
}

// serveBulk makes all rows of a list or none. What is wrong is told in a list of the same length.
func (r *resource) serveBulk(w http.ResponseWriter, ctx context.Context, who Identity, body json.RawMessage) error {
	var given []json.RawMessage
	_ = json.Unmarshal(body, &given) // it has been read as JSON before
	if n := len(given); n == 0 || n > min(mostRows, mostValues/len(r.table.columns)) {
		return explain(errBadRequest, fmt.Sprintf("a list has 1 to %d rows", min(mostRows, mostValues/len(r.table.columns))))
	}
	rows, wrong, sound := make([][]assignment, len(given)), make([]fieldErrors, len(given)), true
	for i, one := range given {
		rows[i], wrong[i] = r.rowOf(one, toCreate, true)
		sound = sound && len(wrong[i]) == 0
	}
	if !sound {
		return invalid(wrong)
	}
	made, err := r.create(ctx, who, rows)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, made)
	return nil
}

func (r *resource) serveChange(w http.ResponseWriter, q *http.Request, who Identity, key string, why intent) error {
	body, err := readContent(w, q)
	if err != nil {
		return err
	}
	row, wrong := r.rowOf(body, why, true)
	if len(wrong) > 0 {
		return invalid(wrong)
	}
	return answerRow(w, http.StatusOK)(r.change(q.Context(), who, key, row))
}

func (r *resource) serveRemove(w http.ResponseWriter, q *http.Request, who Identity, key string) error {
	if err := r.remove(q.Context(), who, key); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func answerRow(w http.ResponseWriter, status int) func(json.RawMessage, error) error {
	return func(row json.RawMessage, err error) error {
		if err == nil {
			writeJSON(w, status, row)
		}
		return err
	}
}

// readContent reads one JSON document.
func readContent(w http.ResponseWriter, r *http.Request) (json.RawMessage, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return nil, errMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, contentBytes))
	if err != nil {
		return nil, bodyError(err)
	}
	var document json.RawMessage
	if err := json.Unmarshal(body, &document); err != nil {
		return nil, explain(errBadRequest, "the body must be one JSON document")
	}
	return document, nil
}
