package grants

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"rowcall/config"
	"rowcall/config/rules"
)

// databaseFacts are what a database says that changes the statements. The zero databaseFacts stand for no database.
type databaseFacts struct {
	version        int    // of the server, as in server_version_num; 0: unknown
	owner          string // of schema rowcall; empty: there is none
	ownerIsSuper   bool
	servesInherits bool     // the serving role has INHERIT, or is not there yet
	servesAlone    bool     // the serving role owns schema rowcall, and there is nothing to serve for which it has to become rowcall_app
	tableOwners    []string // other roles than the migrating one that own tables which get triggers; nil: unknown
}

// look reads the facts. It needs no rights.
func look(ctx context.Context, conn *pgx.Conn, c *config.Config, r Roles) (databaseFacts, error) {
	var f databaseFacts
	if conn == nil {
		return f, nil
	}
	const query = `
		SELECT current_setting('server_version_num')::integer, coalesce(o.rolname, '')::text, coalesce(o.rolsuper, false),
		       coalesce((SELECT rolinherit FROM pg_catalog.pg_roles WHERE rolname = $1), true)
		FROM (VALUES (1)) one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'rowcall' LEFT JOIN pg_catalog.pg_roles o ON o.oid = n.nspowner`
	if err := conn.QueryRow(ctx, query, r.Serve).Scan(&f.version, &f.owner, &f.ownerIsSuper, &f.servesInherits); err != nil {
		return f, fmt.Errorf("look at the database: %w", err)
	}
	f.servesAlone = f.owner != "" && f.owner == r.Serve && !c.Apps && len(c.Resources)+len(c.Functions) == 0
	var schemas, names []string // an empty schema is any, an empty name all tables of the schema
	for _, table := range c.Tables {
		inSchema, name := table.Relation()
		schemas, names = append(schemas, inSchema), append(names, name)
	}
	if parts, err := rules.ParseName(c.Auth.Django.Table); err == nil && c.Auth.Django.On() {
		parts = append([]string{""}, parts...)
		schemas, names = append(schemas, parts[len(parts)-2]), append(names, parts[len(parts)-1])
	}
	const owners = `
		SELECT DISTINCT o.rolname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_roles o ON o.oid = c.relowner JOIN unnest($1::text[], $2::text[]) t (in_schema, name)
			ON n.nspname IN (t.in_schema, CASE WHEN t.in_schema = '' THEN n.nspname END) AND c.relname IN (t.name, CASE WHEN t.name = '' THEN c.relname END)
		WHERE c.relkind IN ('r', 'p') AND o.rolname <> $3 ORDER BY 1`
	rows, err := conn.Query(ctx, owners, schemas, names, r.Migrate)
	if err != nil {
		return f, fmt.Errorf("look at the owners of tables: %w", err)
	}
	if f.tableOwners, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return f, fmt.Errorf("look at the owners of tables: %w", err)
	}
	if f.tableOwners == nil {
		f.tableOwners = []string{}
	}
	return f, nil
}
