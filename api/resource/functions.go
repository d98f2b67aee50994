package resource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/api/access"
	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/api/upkeep"
	"rowcall/config/rules"
	"rowcall/notifier/dbconn"
)

// Functions are the compiled rules of functions. They are safe for use by several goroutines. A nil
// *Functions has none.
type Functions struct {
	list []*function
}

// function is a function as its users know it.
type function struct {
	name   string
	allow  rules.Allow
	acting *acting
	item   *upkeep.Item
	latest atomic.Pointer[signature] // as the catalog was read last
}

// newFunction returns a function whose signature is read anew when the catalog changes.
func newFunction(pool *dbconn.Pool, source rules.Function, key string, found *signature, work *acting) *function {
	f := &function{name: source.Name, allow: source.Allow, acting: work}
	f.latest.Store(found)
	f.item = upkeep.NewItem(key, source.Name, func(ctx context.Context, fresh bool) (bool, error) {
		again, err := readSignature(ctx, pool, source.Function)
		if err != nil {
			return false, err
		}
		before := f.latest.Swap(again)
		return fresh || !reflect.DeepEqual(before, again), nil
	})
	return f
}

// Items returns the functions, to be kept in step with the catalog.
func (f *Functions) Items() []*upkeep.Item {
	var items []*upkeep.Item
	for _, one := range f.list {
		items = append(items, one.item)
	}
	return items
}

// CompileFunctions checks the rules and reads the functions from the catalog. The error is a
// rules.Problems if the rules are wrong, and problem.ErrUnavailable if the database does not answer.
func CompileFunctions(ctx context.Context, pool *dbconn.Pool, sources []rules.Function) (*Functions, error) {
	all := &Functions{}
	if len(sources) == 0 {
		return all, nil
	}
	work := newActing(pool)
	if err := work.check(ctx); err != nil {
		return nil, fmt.Errorf("preparing functions: %w", err)
	}
	var wrong rules.Problems
	rules.CheckFunctions(sources, &wrong)
	for i, source := range sources {
		key := rules.Entry("functions", i) + ".function"
		if wrong.Has(key) {
			continue
		}
		signature, err := readSignature(ctx, pool, source.Function)
		if err := access.AddProblem(&wrong, key, err); err != nil {
			return nil, err
		}
		all.list = append(all.list, newFunction(pool, source, key, signature, work))
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	return all, nil
}

// signature is what the catalog knows of a function.
type signature struct {
	OID      uint32
	Name     string // qualified and quoted
	Kind     string // pg_proc.prokind: f for a function
	Set      bool   // the function returns any number of rows
	Void     bool   // the function returns nothing
	Callable bool   // rowcall_app may call it
	Unclear  bool   // an argument has no name, or no type of its own

	arguments []*column
}

const findFunction = `
SELECT p.oid AS oid, format('%I.%I', n.nspname, p.proname) AS name, p.prokind::text AS kind, p.proretset AS set,
       p.prorettype = 'void'::regtype AS void, has_function_privilege('rowcall_app', p.oid, 'EXECUTE') AS callable,
       p.provariadic <> 0
       OR EXISTS (SELECT FROM generate_series(1, p.pronargs) i WHERE coalesce(p.proargnames[i], '') = '')
       OR EXISTS (SELECT FROM unnest(p.proargtypes) a JOIN pg_type t ON t.oid = a WHERE t.typtype = 'p') AS unclear
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.oid = to_regproc($1)`

// readSignature reads a function from the catalog, by a name from the configuration.
func readSignature(ctx context.Context, pool *dbconn.Pool, name string) (*signature, error) {
	rows, _ := pool.Query(ctx, findFunction, rules.QuotedName(name))
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByNameLax[signature])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, fmt.Errorf("%w; a name that several functions have is refused too", rules.MissingName("function", name))
	case err != nil:
		return nil, problem.OfDatabase("asking the catalog", err)
	case found.Kind != "f":
		return nil, fmt.Errorf("%s is no plain function", found.Name)
	case !found.Callable:
		return nil, fmt.Errorf("%s may not call %s: GRANT EXECUTE ON FUNCTION %[2]s TO %[1]s", actingRole, found.Name)
	case found.Unclear:
		return nil, fmt.Errorf("the arguments of %s need names and types of their own", found.Name)
	}
	found.arguments, err = readColumns(ctx, pool, argumentsOfFunction, found.OID)
	for _, a := range found.arguments {
		a.exact = true
	}
	return found, err
}

// argumentsOfFunction are the arguments that go in, in their order. The last ones have the defaults.
// In the list of names, arguments that come out may stand between them.
const argumentsOfFunction = `
WITH RECURSIVE asked AS (
    SELECT i.place::int AS place, n.names[i.place] AS name, i.type AS type, -1 AS typmod, false AS required,
           i.place > p.pronargs - p.pronargdefaults AS has_default,
           false AS serial, false AS loose, true AS readable, true AS may_insert, true AS may_update,
           '' AS default_sql, '{}'::text[] AS checks, 0::oid AS refers, '' AS refers_column
    FROM pg_proc p CROSS JOIN LATERAL unnest(p.proargtypes) WITH ORDINALITY i (type, place)
    CROSS JOIN LATERAL (
        SELECT array_agg(a.name ORDER BY a.place) AS names
        FROM unnest(p.proargnames) WITH ORDINALITY a (name, place)
        WHERE p.proargmodes IS NULL OR p.proargmodes[a.place] IN ('i', 'b')) n
    WHERE p.oid = $1
)` + shapes

// Routes adds the addresses of the functions: /api/functions/{name}, with and without a slash at the
// end.
func (f *Functions) Routes(mux *http.ServeMux, require Require) {
	if f == nil {
		return
	}
	for _, one := range f.list {
		for _, slash := range []string{"", "/{$}"} {
			mux.HandleFunc("/api/functions/"+one.name+slash, require(one.admits, one.serve))
		}
	}
}

// admits returns nil if an identity may call the function at all. The errors are those of
// access.Admits.
func (f *function) admits(who identity.Identity) error { return access.Admits(f.allow, who) }

func (f *function) serve(w http.ResponseWriter, r *http.Request, who identity.Identity) error {
	if r.Method != http.MethodPost {
		return problem.NotAllowed(w, http.MethodPost)
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	return f.item.Do(r.Context(), func() error {
		now := call{f, f.latest.Load()}
		arguments, wrong := now.parseArguments(body)
		if len(wrong) > 0 {
			return problem.Invalid(wrong)
		}
		result, err := now.run(r.Context(), who, arguments)
		if err != nil {
			return err
		}
		if now.signature.Void {
			writeNothing(w)
			return nil
		}
		problem.WriteJSON(w, http.StatusOK, result)
		return nil
	})
}

// call is a call of a function, with the signature that the function has at the time.
type call struct {
	*function
	signature *signature
}

// parseArguments reads the arguments from an object, by their names.
func (f call) parseArguments(body json.RawMessage) ([]assignment, FieldErrors) {
	given, message := parseObject(body)
	if message != "" {
		return nil, FieldErrors{wholeRow: {message}}
	}
	wrong := FieldErrors{}
	var arguments []assignment
	for _, a := range f.signature.arguments {
		raw, isGiven := given[a.Name]
		delete(given, a.Name)
		if !isGiven {
			if !a.Default {
				wrong.add(a.Name, messageRequired)
			}
			continue
		}
		value, message := a.read(raw)
		if message != "" {
			wrong.add(a.Name, message)
		}
		arguments = append(arguments, assignment{column: a, value: value})
	}
	for name := range given {
		wrong.add(name, "There is no such argument.")
	}
	return arguments, wrong
}

// run returns what the function returns: a value, or a list if the function returns rows.
func (f call) run(ctx context.Context, who identity.Identity, arguments []assignment) (result json.RawMessage, err error) {
	statement := f.statement(arguments)
	var found []json.RawMessage
	err = f.acting.write(ctx, who, func(ctx context.Context, tx pgx.Tx) error {
		found, err = collectDocuments(tx.Query(ctx, statement.text.String(), statement.arguments()...))
		if err == nil && !f.signature.Set && len(found) != 1 {
			return fmt.Errorf("%s has returned %d rows: %w", f.signature.Name, len(found), upkeep.ErrStale) // it returns a set now
		}
		return err
	})
	if err != nil {
		return nil, f.explain(f.acting.explainValues(ctx, who, err, arguments))
	}
	if f.signature.Set {
		return json.Marshal(found)
	}
	return found[0], nil
}

// statement calls the function with its arguments by name. NULL becomes null in JSON.
func (f call) statement(arguments []assignment) *statement {
	s := &statement{}
	named := make([]string, len(arguments))
	for i, a := range arguments {
		named[i] = a.column.Ident + " => " + s.bindAssigned(a) + "::" + a.column.Type
	}
	encode := "rowcall.json_with_iso"
	if f.signature.Void {
		encode = "to_json" // json_with_iso takes no void
	}
	s.add(`SELECT coalesce(`, encode, `("@".*)::text, 'null') FROM `, f.signature.Name, "(", strings.Join(named, ", "), `) AS "@"`)
	return s
}

// explain turns an error of the database into an error that can be answered.
func (f *function) explain(err error) error {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return explainState(refused, "calling "+f.name)
	}
	return problem.OfDatabase("calling "+f.name, err)
}
