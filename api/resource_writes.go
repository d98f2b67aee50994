package api

import (
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
	contentBytes = 1 << 20 // of a body
	mostRows     = 1000    // made by one request
	mostValues   = 60_000  // in one statement
)

// serveCreate makes one row of an object, or several of a list.
func (r *resource) serveCreate(w http.ResponseWriter, q *http.Request, who identity.Identity) error {
	body, err := readContent(w, q)
	if err != nil {
		return err
	}
	if body[0] == '[' {
		return r.serveBulk(w, q.Context(), who, body)
	}
	row, wrong := r.rowOf(body, toCreate, true)
	if len(wrong) > 0 {
		return problem.Invalid(wrong)
	}
	made, err := r.create(q.Context(), who, [][]assignment{row})
	if err != nil {
		return err
	}
	w.Header().Set("Location", r.addressOf(made[0]))
	problem.WriteJSON(w, http.StatusCreated, made[0])
	return nil
}

// addressOf is where a row is found.
func (r *resource) addressOf(row json.RawMessage) string {
	fields, _ := objectOf(row)
	key, _ := scalar(fields[r.key.Name])
	return "/api/" + r.name + "/" + url.PathEscape(key)
}

// serveBulk makes all rows of a list or none. What is wrong is told in a list of the same length.
func (r *resource) serveBulk(w http.ResponseWriter, ctx context.Context, who identity.Identity, body json.RawMessage) error {
	var given []json.RawMessage
	_ = json.Unmarshal(body, &given) // it has been read as JSON before
	if n := len(given); n == 0 || n > min(mostRows, mostValues/len(r.table.columns)) {
		return problem.Explain(problem.ErrBadRequest, fmt.Sprintf("a list has 1 to %d rows", min(mostRows, mostValues/len(r.table.columns))))
	}
	rows, wrong, sound := make([][]assignment, len(given)), make([]fieldErrors, len(given)), true
	for i, one := range given {
		rows[i], wrong[i] = r.rowOf(one, toCreate, true)
		sound = sound && len(wrong[i]) == 0
	}
	if !sound {
		return problem.Invalid(wrong)
	}
	made, err := r.create(ctx, who, rows)
	if err != nil {
		return err
	}
	problem.WriteJSON(w, http.StatusCreated, made)
	return nil
}

func (r *resource) serveChange(w http.ResponseWriter, q *http.Request, who identity.Identity, key string, why intent) error {
	body, err := readContent(w, q)
	if err != nil {
		return err
	}
	row, wrong := r.rowOf(body, why, true)
	if len(wrong) > 0 {
		return problem.Invalid(wrong)
	}
	return answerRow(w, http.StatusOK)(r.change(q.Context(), who, key, row))
}

func (r *resource) serveRemove(w http.ResponseWriter, q *http.Request, who identity.Identity, key string) error {
	if err := r.remove(q.Context(), who, key); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// readContent reads one JSON document.
func readContent(w http.ResponseWriter, r *http.Request) (json.RawMessage, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return nil, problem.ErrMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, contentBytes))
	if err != nil {
		return nil, problem.OfBody(err)
	}
	var document json.RawMessage
	if err := json.Unmarshal(body, &document); err != nil {
		return nil, problem.Explain(problem.ErrBadRequest, "the body must be one JSON document")
	}
	return document, nil
}
