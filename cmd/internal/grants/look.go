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
	superTables    []string // tables which get triggers that belong to superusers, as SQL; nil: none, or the migrating role is one
	tableOwners    []string // other roles, no superusers, than the migrating one that own tables which get triggers; nil: unknown
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
	var wanted, excepted tableNames // of wanted, an empty schema is any, and an empty name all tables of the schema but those excepted
	for _, table := range c.Tables {
		inSchema, name := table.Relation()
		wanted.add(inSchema, name)
		for _, name := range table.ExceptedNames() {
			excepted.add(inSchema, name)
		}
	}
	if parts, err := rules.ParseName(c.Auth.Django.Table); err == nil && c.Auth.Django.On() {
		parts = append([]string{""}, parts...)
		wanted.add(parts[len(parts)-2], parts[len(parts)-1])
	}
	err := f.lookAtOwners(ctx, conn, r.Migrate, wanted, excepted)
	return f, err
}

// tableNames are names of tables, as the catalog has them.
type tableNames struct{ schemas, names []string }

func (t *tableNames) add(schema, name string) {
	t.schemas, t.names = append(t.schemas, schema), append(t.names, name)
}

// lookAtOwners reads to whom the tables belong which get triggers.
func (f *databaseFacts) lookAtOwners(ctx context.Context, conn *pgx.Conn, migrator string, wanted, excepted tableNames) error {
	const owners = `
		SELECT DISTINCT CASE WHEN o.rolsuper THEN '' ELSE o.rolname END::text, CASE WHEN o.rolsuper THEN format('%I.%I', n.nspname, c.relname) ELSE '' END
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_roles o ON o.oid = c.relowner JOIN unnest($1::text[], $2::text[]) t (in_schema, name)
			ON n.nspname IN (t.in_schema, CASE WHEN t.in_schema = '' THEN n.nspname END) AND c.relname IN (t.name, CASE WHEN t.name = '' THEN c.relname END)
		WHERE c.relkind IN ('r', 'p') AND o.rolname <> $3
		  AND NOT (t.name = '' AND EXISTS (SELECT FROM unnest($4::text[], $5::text[]) e (in_schema, name) WHERE n.nspname = e.in_schema AND c.relname = e.name))
		  AND NOT (o.rolsuper AND EXISTS (SELECT FROM pg_catalog.pg_roles m WHERE m.rolname = $3 AND m.rolsuper)) ORDER BY 1, 2`
	rows, _ := conn.Query(ctx, owners, wanted.schemas, wanted.names, migrator, excepted.schemas, excepted.names)
	f.tableOwners = []string{}
	var owner, table string
	_, err := pgx.ForEachRow(rows, []any{&owner, &table}, func() error {
		if table != "" {
			f.superTables = append(f.superTables, table)
			return nil
		}
		f.tableOwners = append(f.tableOwners, owner)
		return nil
	})
	if err != nil {
		return fmt.Errorf("look at the owners of tables: %w", err)
	}
	return nil
}
