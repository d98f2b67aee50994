package triggers

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
)

// Fault says in which way a function or a trigger is not as this version wants it.
type Fault string

// The faults.
const (
	FunctionMissing    Fault = "function missing"
	FunctionOutdated   Fault = "function outdated"    // its text, its arguments' defaults or its volatility
	FunctionSettings   Fault = "function settings"    // its SET clauses, search_path among them
	FunctionSecurity   Fault = "function security"    // SECURITY DEFINER
	FunctionOwner      Fault = "function owner"       // another role than that of schema rowcall
	FunctionPublic     Fault = "function public"      // everybody may call it
	TriggerMissing     Fault = "trigger missing"      // its table is there
	TriggerDisabled    Fault = "trigger disabled"     // it never fires
	TriggerReplaced    Fault = "trigger replaced"     // one of its name calls another function
	TriggerOutdated    Fault = "trigger outdated"     // it calls the right function, but at other times
	TriggerReplicaOnly Fault = "trigger replica only" // it fires for replicated rows, and not for ordinary changes
	TriggerMode        Fault = "trigger mode"         // it does not fire while replication applies rows, or should not and does
	TableMissing       Fault = "table missing"        // it is not there
)

// Difference is one function or trigger that is not as this version wants it.
type Difference struct {
	Fault  Fault
	Table  string // of a trigger, with its schema, as SQL spells it
	Object string // the function or the trigger
	Found  string // what is there instead; may be empty
	Wanted string // the definition or the setting
}

// Compare returns what Install would change. It writes nothing, locks nothing, and needs no rights: the catalog shows
// functions and triggers to everybody.
func Compare(ctx context.Context, db *sql.DB, o Options) ([]Difference, error) {
	wanted, err := load(o)
	if err != nil {
		return nil, err
	}
	if o.Django != "" {
		more, err := djangoTriggers(ctx, db, o.Django)
		if err != nil {
			return nil, err
		}
		wanted.triggers = append(wanted.triggers, more...)
	}
	tx, err := begin(ctx, db)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // it only reads
	all, err := compareFunctions(ctx, tx, wanted.functions)
	if err != nil {
		return nil, err
	}
	more, err := compareTriggers(ctx, tx, wanted.triggers)
	return append(all, more...), err
}

// djangoTriggers returns the triggers on Django's table of sessions; none if there is no such table.
func djangoTriggers(ctx context.Context, db *sql.DB, name string) ([]trigger, error) {
	table, err := findTable(ctx, db, name)
	if err != nil || table == "" {
		return nil, err
	}
	var wanted script
	if err := wanted.read("django/sessions.sql"); err != nil {
		return nil, err
	}
	return wanted.on("{sessions}", table), nil
}

// function is what CREATE FUNCTION says, and what the catalog holds of it.
type function struct {
	name     string
	body     string // empty: the catalog keeps it as a parsed expression
	settings string // SET clauses, each as in pg_proc.proconfig, a line each
	definer  bool
	kind     string // language and volatility, such as "plpgsql v"
}

// functionsIn reads the statements that create functions.
func functionsIn(statements []string) []function {
	created := regexp.MustCompile(`^CREATE OR REPLACE FUNCTION rowcall\.(\w+)\(`)
	language := regexp.MustCompile(`LANGUAGE (\w+)`)
	set := regexp.MustCompile(`SET (\w+) = ('[^']*'|[\w]+(?:, [\w]+)*)`)
	var all []function
	for _, statement := range statements {
		name := created.FindStringSubmatch(statement)
		if name == nil {
			continue
		}
		head, body, _ := strings.Cut(statement, "AS $$")
		body, _, _ = strings.Cut(body, "$$")
		head, _, _ = strings.Cut(head, "\nRETURN ")
		f := function{name: name[1], body: body, definer: strings.Contains(head, "SECURITY DEFINER"), kind: language.FindStringSubmatch(head)[1] + " v"}
		for word, letter := range map[string]string{" STABLE": "s", " IMMUTABLE": "i"} {
			if strings.Contains(head, word) {
				f.kind = strings.TrimSuffix(f.kind, "v") + letter
			}
		}
		var settings []string
		for _, s := range set.FindAllStringSubmatch(head, -1) {
			settings = append(settings, s[1]+"="+strings.Trim(s[2], "'"))
		}
		f.settings = strings.Join(settings, "\n")
		all = append(all, f)
	}
	return all
}

// presentFunction is a function as the database has it.
type presentFunction struct {
	function
	owned  bool // by the owner of the schema
	public bool // everybody may call it
}

func presentFunctions(ctx context.Context, tx *sql.Tx) (map[string]presentFunction, error) {
	const query = `
		SELECT p.proname, p.prosrc, coalesce(array_to_string(p.proconfig, E'\n'), ''), p.prosecdef, concat_ws(' ', l.lanname, p.provolatile),
		       p.proowner = n.nspowner, EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
		WHERE n.nspname = 'rowcall' AND p.prokind = 'f'`
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read functions: %w", err)
	}
	defer rows.Close()
	all := map[string]presentFunction{}
	for rows.Next() {
		var p presentFunction
		if err := rows.Scan(&p.name, &p.body, &p.settings, &p.definer, &p.kind, &p.owned, &p.public); err != nil {
			return nil, fmt.Errorf("read functions: %w", err)
		}
		all[p.name] = p
	}
	return all, rows.Err()
}

func compareFunctions(ctx context.Context, tx *sql.Tx, statements []string) ([]Difference, error) {
	present, err := presentFunctions(ctx, tx)
	if err != nil {
		return nil, err
	}
	var all []Difference
	for _, wanted := range functionsIn(statements) {
		found, there := present[wanted.name]
		add := func(fault Fault, is, want string) {
			all = append(all, Difference{Fault: fault, Object: "rowcall." + wanted.name, Found: is, Wanted: want})
		}
		switch {
		case !there:
			add(FunctionMissing, "", "")
			continue
		case found.settings != wanted.settings:
			add(FunctionSettings, found.settings, wanted.settings)
		case found.definer != wanted.definer:
			add(FunctionSecurity, security(found.definer), security(wanted.definer))
		case found.body != wanted.body || found.kind != wanted.kind:
			add(FunctionOutdated, "", "")
		}
		if !found.owned {
			add(FunctionOwner, "", "")
		}
		if found.public {
			add(FunctionPublic, "", "")
		}
	}
	return all, nil
}

func security(definer bool) string {
	if definer {
		return "SECURITY DEFINER"
	}
	return "SECURITY INVOKER"
}
