package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/api/access"
	"rowcall/api/identity"
	"rowcall/api/problem"
)

// serveFunctions answers at POST /api/functions/{name}.
func (s *Server) serveFunctions(mux *http.ServeMux, all *Functions) {
	if all == nil {
		return
	}
	for _, f := range all.list {
		for _, slash := range []string{"", "/{$}"} {
			mux.HandleFunc("/api/functions/"+f.name+slash, s.accounts.Require(f.admits, f.serve))
		}
	}
}

// admits returns why an identity may not call the function at all.
func (f *function) admits(who identity.Identity) error { return access.Admits(f.allow, who) }

func (f *function) serve(w http.ResponseWriter, r *http.Request, who identity.Identity) error {
	if r.Method != http.MethodPost {
		return problem.NotAllowed(w, http.MethodPost)
	}
	body, err := readContent(w, r)
	if err != nil {
		return err
	}
	arguments, wrong := f.read(body)
	if len(wrong) > 0 {
		return problem.Invalid(wrong)
	}
	result, err := f.call(r.Context(), who, arguments)
	if err != nil {
		return err
	}
	if f.signature.Void {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	problem.WriteJSON(w, http.StatusOK, result)
	return nil
}

// read takes the arguments from an object, by their names.
func (f *function) read(body json.RawMessage) ([]assignment, fieldErrors) {
	given, problem := objectOf(body)
	if problem != "" {
		return nil, fieldErrors{wholeRow: {problem}}
	}
	wrong := fieldErrors{}
	var arguments []assignment
	for _, a := range f.signature.arguments {
		raw, there := given[a.Name]
		delete(given, a.Name)
		if !there {
			if !a.Default {
				wrong.add(a.Name, saysRequired)
			}
			continue
		}
		value, problem := a.read(raw)
		if problem != "" {
			wrong.add(a.Name, problem)
		}
		arguments = append(arguments, assignment{a, value})
	}
	for name := range given {
		wrong.add(name, "There is no such argument.")
	}
	return arguments, wrong
}

// call returns what the function does: a value, or a list where it returns rows.
func (f *function) call(ctx context.Context, who identity.Identity, arguments []assignment) (result json.RawMessage, err error) {
	statement := f.statement(arguments)
	var found []json.RawMessage
	err = f.acting.write(ctx, who, func(ctx context.Context, tx pgx.Tx) error {
		found, err = collectDocuments(tx.Query(ctx, statement.text.String(), statement.arguments()...))
		return err
	})
	if err != nil {
		return nil, f.explain(err)
	}
	if f.signature.Set {
		return json.Marshal(found)
	}
	return found[0], nil
}

// statement calls the function with the arguments named that are given. NULL is JSON's null.
func (f *function) statement(arguments []assignment) *statement {
	s := &statement{}
	named := make([]string, len(arguments))
	for i, a := range arguments {
		named[i] = a.column.Ident + " => " + s.value(a) + "::" + a.column.Type
	}
	s.add(`SELECT coalesce(to_json("@")::text, 'null') FROM `, f.signature.Name, "(", strings.Join(named, ", "), `) AS "@"`)
	return s
}

func (f *function) explain(err error) error {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return explainState(refused, "calling "+f.name)
	}
	return problem.OfDatabase("calling "+f.name, err)
}
