// Package grants writes the SQL that a database administrator runs so that one role may migrate a database for Rowcall,
// and another one, or the same, may serve it. Neither needs to be a superuser or to have CREATEROLE.
//
// With a connection it finds out which of the statements are in effect already.
package grants

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"rowcall/config"
	"rowcall/config/rules"
	"rowcall/schema"
)

// Roles are the roles that get rights. An empty one gets none. Both may be the same.
type Roles struct {
	Migrate string
	Serve   string
}

// Statement is one statement of SQL.
type Statement struct {
	SQL  string // without a semicolon
	Done bool   // it is in effect
	Idle bool   // the serving role has what the statement gives already, because it owns schema rowcall

	check     string // an SQL expression: true if the statement is in effect; empty: nobody knows
	args      []any
	forServer bool // it lets a role serve that does not own schema rowcall
}

// askedOf is the statement with its check asked of a role instead of rowcall_server.
func (s Statement) askedOf(role string) Statement {
	if len(s.args) == 0 || s.args[0] != "rowcall_server" {
		s.check, s.args = "true", nil // the owner of the schema needs no role of Rowcall's
		return s
	}
	s.args = slices.Concat([]any{role}, s.args[1:])
	return s
}

// Section is what one person runs in one session.
type Section struct {
	Title      string
	Notes      []string
	Statements []Statement
}

// add adds a statement, unless the section has it.
func (s *Section) add(added Statement) {
	if !slices.ContainsFunc(s.Statements, func(known Statement) bool { return known.SQL == added.SQL }) {
		s.Statements = append(s.Statements, added)
	}
}

// Write returns the statements of a configuration for a database of this name. Without a connection, conn is nil and
// none of the statements counts as done.
func Write(ctx context.Context, c *config.Config, r Roles, database string, conn *pgx.Conn) ([]Section, error) {
	found, err := look(ctx, conn, c, r)
	if err != nil {
		return nil, err
	}
	sections := []Section{ownRoles(r), migrating(c, r, database, found), serving(c, r, database, found), ofTables(c, r)}
	sections = slices.DeleteFunc(sections, func(s Section) bool { return len(s.Statements) == 0 && len(s.Notes) == 0 })
	if conn == nil {
		return sections, nil
	}
	for i := range sections {
		sections[i].compare(ctx, conn, found, r.Serve)
	}
	return sections, ctx.Err()
}

// compare asks which statements are in effect, and which the serving role does not need.
func (s *Section) compare(ctx context.Context, conn *pgx.Conn, found databaseFacts, serve string) {
	idle := false
	for i := range s.Statements {
		own := &s.Statements[i]
		own.Done = isDone(ctx, conn, *own)
		own.Idle = !own.Done && found.servesAlone && own.forServer && isDone(ctx, conn, own.askedOf(serve))
		idle = idle || own.Idle
	}
	if idle {
		s.Notes = append(s.Notes, "Role "+quote(serve)+" owns schema rowcall, so it can serve without these statements. "+
			"They are needed for a separate role that serves, and for resources.")
	}
}

// isDone asks whether a statement is in effect. It is not where its check fails, as for a role that is not there.
func isDone(ctx context.Context, conn *pgx.Conn, s Statement) bool {
	if s.check == "" {
		return false
	}
	var done bool
	err := conn.QueryRow(ctx, "SELECT coalesce("+s.check+", false)", s.args...).Scan(&done)
	return err == nil && done
}

// ownRoles are the roles that Rowcall is given its rights through.
func ownRoles(r Roles) Section {
	s := Section{Title: "The roles of Rowcall, once for the server: as a superuser, or a role with CREATEROLE"}
	for _, own := range schema.GrantedRoles() {
		s.add(Statement{SQL: own.Statement(), check: `to_regrole(quote_ident($1)) IS NOT NULL`, args: []any{own.Name}, forServer: true})
	}
	s.add(Statement{SQL: schema.JoinApp,
		check: `pg_has_role(to_regrole('rowcall_server'), to_regrole('rowcall_app'), 'MEMBER')`, forServer: true})
	for _, name := range slices.Compact([]string{r.Migrate, r.Serve}) {
		if name != "" {
			s.add(Statement{SQL: "CREATE ROLE " + quote(name) + " LOGIN", check: exists, args: []any{name}})
		}
	}
	s.Notes = append(s.Notes, `Give a new role that logs in its password with \password, or let it in by pg_hba.conf.`)
	return s
}

const exists = `EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)`

// migrating is what the role needs that migrates: it owns schema rowcall, or acts for its owner.
func migrating(c *config.Config, r Roles, database string, found databaseFacts) Section {
	if r.Migrate == "" {
		return Section{}
	}
	role := quote(r.Migrate)
	s := Section{Title: "Role " + role + " migrates: as a superuser, or the owner of database " + quote(database)}
	s.add(connect(database, r.Migrate))
	switch {
	case found.ownerIsSuper:
		s.Notes = append(s.Notes, "Schema rowcall belongs to the superuser "+quote(found.owner)+". Run rowcall migrate as that role once: it gives the schema to rowcall_owner. Then run rowcall grants again.")
	case found.owner != "" && found.owner != r.Migrate:
		s.add(found.act(found.owner, r.Migrate))
	case found.owner == "":
		s.Statements = append(s.Statements, Statement{SQL: "GRANT CREATE ON DATABASE " + quote(database) + " TO " + role,
			check: `has_database_privilege($1, current_database(), 'CREATE')`, args: []any{r.Migrate}})
	}
	if c.Apps {
		s.Statements = append(s.Statements, Statement{SQL: "GRANT USAGE, CREATE ON SCHEMA public TO " + role,
			check: `has_schema_privilege($1, 'public', 'CREATE') AND has_schema_privilege($1, 'public', 'USAGE')`, args: []any{r.Migrate}})
	}
	for _, inSchema := range schemasOf(c.Tables) {
		s.add(useSchema(inSchema, r.Migrate, role))
	}
	for _, owner := range found.tableOwners {
		s.add(found.act(owner, r.Migrate))
	}
	for _, table := range found.superTables {
		s.Notes = append(s.Notes, "Table "+table+" belongs to a superuser, and role "+role+" must not become one. Let a role own the table that is none, then run rowcall grants again: ALTER TABLE "+table+" OWNER TO "+role)
	}
	if found.tableOwners == nil && (len(c.Tables) > 0 || c.Auth.Django.On()) {
		s.Notes = append(s.Notes, "Triggers need the owner of the tables: where "+role+" is not the owner, also GRANT the owner TO "+role+".")
	}
	return s
}

// schemasOf are the schemas of declared tables, but public, which everybody may use.
func schemasOf(declared []rules.Table) []string {
	var all []string
	for _, table := range declared {
		if inSchema, _ := table.Relation(); inSchema != "public" && inSchema != "" && !slices.Contains(all, inSchema) {
			all = append(all, inSchema)
		}
	}
	return all
}

// useSchema lets a role use a schema. written is the role as SQL.
func useSchema(inSchema, role, written string) Statement {
	return Statement{
		SQL:   "GRANT USAGE ON SCHEMA " + quote(inSchema) + " TO " + written,
		check: `(SELECT has_schema_privilege($1, n.oid, 'USAGE') FROM pg_catalog.pg_namespace n WHERE n.nspname = $2)`, args: []any{role, inSchema},
	}
}

// act lets a role act for another one.
func (f databaseFacts) act(owner, role string) Statement {
	s := Statement{SQL: "GRANT " + quote(owner) + " TO " + quote(role), check: `pg_has_role($1, $2, 'USAGE') AND pg_has_role($1, $2, 'MEMBER')`, args: []any{role, owner}}
	if f.version >= 160000 {
		s.SQL += " WITH INHERIT TRUE, SET TRUE"
		s.check = strings.Replace(s.check, "'MEMBER'", "'SET'", 1)
	}
	return s
}

func connect(database, role string) Statement {
	return Statement{SQL: "GRANT CONNECT ON DATABASE " + quote(database) + " TO " + quote(role),
		check: `has_database_privilege($1, current_database(), 'CONNECT')`, args: []any{role}}
}

// serving is what the role needs that nodes connect as.
func serving(c *config.Config, r Roles, database string, found databaseFacts) Section {
	if r.Serve == "" {
		return Section{}
	}
	role := quote(r.Serve)
	s := Section{Title: "Role " + role + " serves: as a superuser, or a role with CREATEROLE"}
	s.add(connect(database, r.Serve))
	join := Statement{SQL: "GRANT rowcall_server TO " + role, check: `pg_has_role($1, 'rowcall_server', 'USAGE')`, args: []any{r.Serve}, forServer: true}
	switch {
	case found.version >= 160000:
		join.SQL += " WITH INHERIT TRUE, SET TRUE"
	case !found.servesInherits && found.version > 0:
		s.add(Statement{SQL: "ALTER ROLE " + role + " INHERIT", check: `(SELECT rolinherit FROM pg_catalog.pg_roles WHERE rolname = $1)`, args: []any{r.Serve}})
	}
	s.add(join)
	return s
}

// quote writes a name as an identifier of SQL.
func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// ofTables is what nodes read and write beside the log. The applications' own tables have their grants from the migration.
func ofTables(c *config.Config, r Roles) Section {
	if r.Serve == "" {
		return Section{}
	}
	s := Section{Title: "Tables and functions of the configuration: as their owner, or a superuser"}
	t := tableGrants{section: &s}
	if !c.Apps {
		if c.Auth.Users.Table != "-" {
			t.grant("SELECT", c.Auth.Users.Table, "rowcall_server")
		}
		for _, resource := range c.Resources {
			t.grant("SELECT, INSERT, UPDATE, DELETE", resource.Table, "rowcall_app")
		}
		for _, f := range c.Functions {
			t.execute(f.Function)
		}
	}
	if c.Auth.Django.On() {
		t.grant("SELECT", c.Auth.Django.Table, "rowcall_server")
	}
	for _, table := range c.Tables {
		t.declared(table)
	}
	if slices.ContainsFunc(c.Topics, func(topic rules.Topic) bool { return topic.Access+topic.Snapshot != "" }) && !c.Apps || len(c.Tables) > 0 {
		s.Notes = append(s.Notes, "Also GRANT SELECT TO rowcall_server on each other table that access and snapshot of topics read. rowcall doctor names those that are missing.")
	}
	if len(c.Resources) > 0 && !c.Apps {
		s.Notes = append(s.Notes, "Grant rowcall_app less where users should write less; row-level security decides which rows.")
	}
	return s
}
