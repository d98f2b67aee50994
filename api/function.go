package api

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/access"
	"rowcall/api/problem"
	"rowcall/config/rules"
)

// Functions are the compiled function rules. They are safe for use by several goroutines.
type Functions struct {
	list []*function
}

// function is a function as its users know it.
type function struct {
	name      string
	allow     rules.Allow
	signature *signature
	acting    *acting
}

// CompileFunctions checks the rules and reads the functions from the catalog. The error is a
// rules.Problems if the rules are wrong, and problem.ErrUnavailable if the database does not answer.
func CompileFunctions(ctx context.Context, pool *pgxpool.Pool, sources []rules.Function) (*Functions, error) {
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
		all.list = append(all.list, &function{name: source.Name, allow: source.Allow, signature: signature, acting: work})
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	return all, nil
}

// signature is what the catalog knows of a function.
type signature struct {
	OID     uint32
	Name    string // qualified and quoted
	Kind    string // of pg_proc: f for functions
	Set     bool   // it returns any number of rows
	Void    bool   // it returns nothing
	May     bool   // rowcall_app may call it
	Unclear bool   // it has arguments without a name, or a type of their own

	arguments []*column
}

const findFunction = `
SELECT p.oid AS oid, format('%I.%I', n.nspname, p.proname) AS name, p.prokind::text AS kind, p.proretset AS set,
       p.prorettype = 'void'::regtype AS void, has_function_privilege('rowcall_app', p.oid, 'EXECUTE') AS may,
       p.provariadic <> 0
       OR EXISTS (SELECT FROM generate_series(1, p.pronargs) i WHERE coalesce(p.proargnames[i], '') = '')
       OR EXISTS (SELECT FROM unnest(p.proargtypes) a JOIN pg_type t ON t.oid = a WHERE t.typtype = 'p') AS unclear
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.oid = to_regproc($1)`

// readSignature looks a function up, by a name from the configuration.
func readSignature(ctx context.Context, pool *pgxpool.Pool, name string) (*signature, error) {
	rows, _ := pool.Query(ctx, findFunction, pgx.Identifier(strings.Split(name, ".")).Sanitize())
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByNameLax[signature])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, fmt.Errorf("there is no function %s, or several of that name", name)
	case err != nil:
		return nil, problem.OfDatabase("asking the catalog", err)
	case found.Kind != "f":
		return nil, fmt.Errorf("%s is no plain function", found.Name)
	case !found.May:
		return nil, fmt.Errorf("%s may not call %s: GRANT EXECUTE ON FUNCTION %[2]s TO %[1]s", actingRole, found.Name)
	case found.Unclear:
		return nil, fmt.Errorf("the arguments of %s need names and types of their own", found.Name)
	}
	found.arguments, err = collectColumns(ctx, pool, argumentsOf, found.OID)
	for _, a := range found.arguments {
		a.exact = true
	}
	return found, err
}

// Arguments that go in, in their order: the last ones have the defaults. Outgoing ones may stand between them.
const argumentsOf = `
WITH RECURSIVE asked AS (
    SELECT i.place::int AS place, n.names[i.place] AS name, i.type AS type, -1 AS typmod, false AS required,
           i.place > p.pronargs - p.pronargdefaults AS has_default,
           false AS serial, false AS loose, true AS readable, true AS may_insert, true AS may_update
    FROM pg_proc p CROSS JOIN LATERAL unnest(p.proargtypes) WITH ORDINALITY i (type, place)
    CROSS JOIN LATERAL (
        SELECT array_agg(a.name ORDER BY a.place) AS names
        FROM unnest(p.proargnames) WITH ORDINALITY a (name, place)
        WHERE p.proargmodes IS NULL OR p.proargmodes[a.place] IN ('i', 'b')) n
    WHERE p.oid = $1
)` + shapes
