package grants

import (
	"strings"

	"rowcall/config/rules"
)

// tableGrants collects the statements about tables.
type tableGrants struct{ section *Section }

func (t *tableGrants) add(s Statement) {
	s.forServer = s.forServer || strings.HasSuffix(s.SQL, " TO rowcall_server")
	t.section.add(s)
}

// The objects of a name, by its parts: $2 is the schema, empty where the name has none, and $3 the name. to_regclass would
// need rights on the schema.
const (
	tablesNamed = `pg_catalog.pg_class o JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
		WHERE o.relname = $3 AND (n.nspname = $2 OR $2 = '' AND pg_catalog.pg_table_is_visible(o.oid))`
	functionsNamed = `pg_catalog.pg_proc o JOIN pg_catalog.pg_namespace n ON n.oid = o.pronamespace
		WHERE o.proname = $3 AND (n.nspname = $2 OR $2 = '' AND pg_catalog.pg_function_is_visible(o.oid))`
)

// grant lets a role use a table, whose name is as ParseName takes it.
func (t *tableGrants) grant(privileges, table, role string) {
	var checks []string
	for privilege := range strings.SplitSeq(privileges, ", ") {
		checks = append(checks, "has_table_privilege($1, o.oid, '"+privilege+"')")
	}
	t.addNamed(privileges+" ON", table, role, "(SELECT bool_and("+strings.Join(checks, " AND ")+") FROM "+tablesNamed+")")
}

// execute lets rowcall_app call a function. Functions of one name are not told apart.
func (t *tableGrants) execute(function string) {
	t.addNamed("EXECUTE ON FUNCTION", function, "rowcall_app", "(SELECT bool_and(has_function_privilege($1, o.oid, 'EXECUTE')) FROM "+functionsNamed+")")
}

// addNamed adds a GRANT on an object, and on its schema before.
func (t *tableGrants) addNamed(what, name, role, check string) {
	parts, err := rules.ParseName(name)
	if err != nil {
		return // the check of the configuration has refused it
	}
	inSchema := ""
	if len(parts) > 1 {
		inSchema = parts[len(parts)-2]
		t.use(inSchema, role)
	}
	t.add(Statement{SQL: "GRANT " + what + " " + rules.QuotedName(name) + " TO " + role, check: check, args: []any{role, inSchema, parts[len(parts)-1]}})
}

// use lets a role use a schema.
func (t *tableGrants) use(inSchema, role string) {
	if inSchema != "public" {
		t.add(useSchema(inSchema, role, role))
	}
}

// declared lets nodes read the snapshots of a declared table, or of all tables of a schema.
func (t *tableGrants) declared(table rules.Table) {
	switch inSchema, name := table.Relation(); {
	case name != "":
		t.grant("SELECT", table.Table, "rowcall_server")
	case inSchema != "":
		t.use(inSchema, "rowcall_server")
		excepted := table.ExceptedNames()
		statement := "GRANT SELECT ON ALL TABLES IN SCHEMA " + quote(inSchema) + " TO rowcall_server"
		if len(excepted) > 0 {
			statement = grantAllBut(inSchema, excepted)
		}
		t.add(Statement{
			SQL: statement,
			check: `NOT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
				WHERE n.nspname = $2 AND c.relkind IN ('r', 'p') AND c.relname <> ALL ($3::text[]) AND NOT has_table_privilege($1, c.oid, 'SELECT'))`,
			args:      []any{"rowcall_server", inSchema, excepted},
			forServer: true,
		})
	}
}

// grantAllBut lets nodes read all tables of a schema but some. GRANT has no form for that, and which tables there are is known
// when the statement runs. Like all statements it is one line.
func grantAllBut(inSchema string, excepted []string) string {
	names := make([]string, len(excepted))
	for i, name := range excepted {
		names[i] = quoteText(name)
	}
	return `DO ` + quoteText(`DECLARE name text; BEGIN `+
		`FOR name IN SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace `+
		`WHERE n.nspname = `+quoteText(inSchema)+` AND c.relkind IN ('r', 'p') AND c.relname NOT IN (`+strings.Join(names, ", ")+`) LOOP `+
		`EXECUTE pg_catalog.format('GRANT SELECT ON %I.%I TO rowcall_server', `+quoteText(inSchema)+`, name); END LOOP; END`)
}

// quoteText writes a text as a literal of SQL.
func quoteText(text string) string {
	quoted := "'" + strings.ReplaceAll(text, "'", "''") + "'"
	if strings.Contains(text, `\`) {
		return "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}
