package doctor

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// filingTrigger is a trigger that files events: its function is in schema rowcall, or calls what files.
type filingTrigger struct {
	Table, Name string // as SQL spells them
	Function    string
	Owner       string // of the function
	Written     bool   // by hand: the function is not in schema rowcall
	Mode        string // as in pg_trigger.tgenabled
	Definer     bool   // the function runs with the rights of its owner
	Pinned      bool   // the function sets search_path
	MayFile     bool   // the function's owner may call what files
	Before      string // another trigger that fires before it; empty: there is none
}

// A function that is written by hand is known by its text. A trigger of a partition counts if it was switched
// differently from that of its root. Names sort bytewise.
const filingTriggers = `
SELECT format('%I.%I', n.nspname, c.relname), quote_ident(t.tgname), p.oid::regproc::text, pg_get_userbyid(p.proowner),
       p.pronamespace <> to_regnamespace('rowcall'), t.tgenabled::text, p.prosecdef,
       EXISTS (SELECT FROM unnest(p.proconfig) s WHERE starts_with(s, 'search_path=')),
       has_schema_privilege(p.proowner, to_regnamespace('rowcall'), 'USAGE') AND coalesce((SELECT bool_or(has_function_privilege(p.proowner, f.oid, 'EXECUTE'))
           FROM pg_proc f WHERE f.pronamespace = to_regnamespace('rowcall') AND f.proname = 'publish'), false),
       coalesce((SELECT min(quote_ident(o.tgname)) FROM pg_trigger o
           WHERE o.tgrelid = t.tgrelid AND NOT o.tgisinternal AND o.tgenabled <> 'D' AND o.tgtype & 1 = 1 AND o.tgtype & 66 = 0
             AND o.tgname < t.tgname AND NOT starts_with(o.tgname, '0_rowcall')), '')
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_trigger root ON root.oid = t.tgparentid
WHERE (NOT t.tgisinternal OR t.tgparentid <> 0) AND t.tgtype & 2 = 0 AND (root.oid IS NULL OR root.tgenabled <> t.tgenabled)
  AND (p.pronamespace = to_regnamespace('rowcall') OR p.prosrc ~* '\mrowcall\.(publish|revalidate|revalidate_user)\M')
ORDER BY 1, 2`

// lookAtFilingTriggers finds triggers that do not fire, fire too late, or fail.
func lookAtFilingTriggers(ctx context.Context, e *examination, tx pgx.Tx) ([]Finding, error) {
	all, err := queryRows(ctx, tx, pgx.RowToStructByPos[filingTrigger], filingTriggers)
	if err != nil {
		return nil, err
	}
	var found []Finding
	for _, t := range all {
		found = append(found, t.judgeOrder()...)
		if t.Written {
			found = append(found, t.judgeFunction()...)
		}
		if t.Written || t.neverFiles() && !e.knows(t.Table, t.Name) {
			found = append(found, t.judgeMode()...)
		}
	}
	return found, nil
}

// knows reports whether something was found about a trigger already.
func (e *examination) knows(table, trigger string) bool {
	return slices.ContainsFunc(e.findings, func(f Finding) bool { return f.Table == table && f.Object == trigger })
}

func (t filingTrigger) judgeOrder() []Finding {
	if t.Before == "" {
		return nil
	}
	return []Finding{finding(TriggerNotFirst, t.Table, t.Name,
		fmt.Sprintf("trigger %s on %s fires before trigger %s, which files events: if the first one changes rows, events of one row come in the wrong order", t.Before, t.Table, t.Name),
		fmt.Sprintf("ALTER TRIGGER %s ON %s RENAME TO ...: a name that sorts after %s, for instance one that begins with a letter", t.Before, t.Table, t.Name))}
}

// neverFiles reports whether ordinary changes of the table do not fire the trigger.
func (t filingTrigger) neverFiles() bool { return t.Mode == "D" || t.Mode == "R" }

// judgeMode finds triggers that do not fire, or not always.
func (t filingTrigger) judgeMode() []Finding {
	remedy := fmt.Sprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", t.Table, t.Name)
	switch t.Mode {
	case "D":
		return []Finding{finding(TriggerDisabled, t.Table, t.Name, fmt.Sprintf("trigger %s on %s is disabled: changes of the table file no events", t.Name, t.Table), remedy)}
	case "R":
		return []Finding{finding(TriggerDisabled, t.Table, t.Name,
			fmt.Sprintf("trigger %s on %s fires for replicated rows only: ordinary changes file no events", t.Name, t.Table), remedy)}
	case "A":
		return nil
	}
	return []Finding{finding(TriggerNotAlways, t.Table, t.Name,
		fmt.Sprintf("trigger %s on %s is not ENABLE ALWAYS: it does not fire for rows that logical replication applies. pg_restore --disable-triggers leaves triggers like this", t.Name, t.Table), remedy)}
}

// judgeFunction finds functions whose writers may fail.
func (t filingTrigger) judgeFunction() []Finding {
	var found []Finding
	switch {
	case !t.Definer:
		found = append(found, finding(TriggerRights, t.Table, t.Function,
			fmt.Sprintf("function %s of trigger %s is not SECURITY DEFINER: each role that writes %s needs the rights of rowcall_publisher, else its statements fail", t.Function, t.Name, t.Table),
			fmt.Sprintf("ALTER FUNCTION %s() SECURITY DEFINER SET search_path = pg_catalog, pg_temp", t.Function)))
	case !t.MayFile:
		found = append(found, finding(TriggerRights, t.Table, t.Function,
			fmt.Sprintf("role %s, which owns function %s, may not file events: whoever writes %s gets an error", quote(t.Owner), t.Function, t.Table),
			"GRANT rowcall_publisher TO "+quote(t.Owner)))
	}
	if !t.Pinned {
		found = append(found, finding(TriggerSearchPath, t.Table, t.Function,
			fmt.Sprintf("function %s of trigger %s on %s has no search_path of its own: the names in it mean what the writer's search_path says, and an operator may be one of others", t.Function, t.Name, t.Table),
			fmt.Sprintf("ALTER FUNCTION %s() SET search_path = pg_catalog, pg_temp, and write the schema before each name in it", t.Function)))
	}
	return found
}
