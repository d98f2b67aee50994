package api

import (
	"encoding/json"
	"net/http"

	"rowcall/api/identity"
	"rowcall/api/problem"
)

// serveResources answers at /api/{name} and /api/{name}/{key}, with and without a slash at the end.
func (s *Server) serveResources(mux *http.ServeMux, all *Resources) {
	if all == nil {
		return
	}
	s.serveDescriptions(mux, all)
	for _, r := range all.list {
		rows, row := "/api/"+r.name, "/api/"+r.name+"/{key}"
		for _, slash := range []string{"", "/{$}"} {
			mux.HandleFunc(rows+slash, s.accounts.Require(r.admits, r.serveRows))
			mux.HandleFunc(row+slash, s.accounts.Require(r.admits, r.serveRow))
		}
	}
}

// serveRows lists and creates.
func (r *resource) serveRows(w http.ResponseWriter, q *http.Request, who identity.Identity) error {
	switch q.Method {
	case http.MethodGet, http.MethodHead:
		return r.serveList(w, q, who)
	case http.MethodPost:
		return r.serveCreate(w, q, who)
	}
	return problem.NotAllowed(w, "GET, HEAD, POST")
}

// serveRow is about the row that the address names.
func (r *resource) serveRow(w http.ResponseWriter, q *http.Request, who identity.Identity) error {
	key, ok := r.keyOf(q.PathValue("key"))
	if !ok {
		return problem.ErrNoRow
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
	return problem.NotAllowed(w, "GET, HEAD, PUT, PATCH, DELETE")
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

func (r *resource) serveList(w http.ResponseWriter, q *http.Request, who identity.Identity) error {
	values, err := problem.ParseQuery(q)
	if err != nil {
		return err
	}
	wanted, wrong := r.listingOf(values.Values)
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

func answerRow(w http.ResponseWriter, status int) func(json.RawMessage, error) error {
	return func(row json.RawMessage, err error) error {
		if err == nil {
			problem.WriteJSON(w, status, row)
		}
		return err
	}
}
