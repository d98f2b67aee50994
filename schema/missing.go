package schema

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
)

// GrantedRole is a role that Rowcall creates so that it can be granted to others.
type GrantedRole struct {
	Name      string
	WithoutIt string // what does not work where there is no such role
}

// Statement is the SQL that creates the role.
func (r GrantedRole) Statement() string {
	if r.Name == "rowcall_server" {
		return "CREATE ROLE " + r.Name + " NOLOGIN NOINHERIT"
	}
	return "CREATE ROLE " + r.Name + " NOLOGIN"
}

// GrantedRoles are the roles that Rowcall creates so that they can be granted to others.
func GrantedRoles() []GrantedRole {
	return []GrantedRole{
		{"rowcall_publisher", "a role that files events needs EXECUTE on rowcall.publish by itself"},
		{"rowcall_reader", "a role that asks for cursors, or for what it has filed, needs EXECUTE on rowcall.cursor and rowcall.preview by itself"},
		{"rowcall_server", "nodes can only serve as the owner of schema rowcall"},
		{"rowcall_app", "resources and functions cannot be served"},
	}
}

// MissingRoles returns those of GrantedRoles that the server does not have.
func MissingRoles(ctx context.Context, db *sql.DB) ([]GrantedRole, error) {
	var missing []GrantedRole
	for _, g := range GrantedRoles() {
		const exists = `SELECT pg_catalog.to_regrole($1) IS NOT NULL`
		var there bool
		if err := db.QueryRowContext(ctx, exists, g.Name).Scan(&there); err != nil {
			return nil, fmt.Errorf("look for role %s: %w", g.Name, err)
		}
		if !there {
			missing = append(missing, g)
		}
	}
	return missing, nil
}

// warnOfRoles tells which roles are missing, what that costs, and what a superuser runs to mend it.
func warnOfRoles(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	var migrator string
	if err := db.QueryRowContext(ctx, `SELECT current_user`).Scan(&migrator); err != nil {
		return fmt.Errorf("ask for the migrating role: %w", err)
	}
	missing, err := MissingRoles(ctx, db)
	if err != nil {
		return err
	}
	var names, costs, remedy []string
	for _, g := range missing {
		names = append(names, g.Name)
		costs = append(costs, "without "+g.Name+" "+g.WithoutIt)
		remedy = append(remedy, g.Statement()+";")
	}
	if len(names) > 0 {
		log.WarnContext(ctx, "roles left out, the migrating role may not create them", "role", migrator,
			"missing", strings.Join(names, ", "), "cost", strings.Join(costs, "; "),
			"remedy", strings.Join(remedy, " ")+" "+JoinApp+"; as a superuser, then rowcall migrate")
		return nil
	}
	return warnOfServer(ctx, db, log)
}

// JoinApp lets members of rowcall_server become rowcall_app, without having its rights otherwise.
const JoinApp = `GRANT rowcall_app TO rowcall_server`

// warnOfServer tells where members of rowcall_server may not become rowcall_app, or have its rights without becoming it.
func warnOfServer(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	joined, err := ServerMayBecomeApp(ctx, db)
	if err != nil {
		return err
	}
	if !joined {
		log.WarnContext(ctx, "role rowcall_server is not set up for resources and functions, the migrating role may not do it",
			"remedy", "ALTER ROLE rowcall_server NOINHERIT; "+JoinApp+"; as a superuser")
	}
	return nil
}

// ServerMayBecomeApp reports whether members of rowcall_server may become rowcall_app, and have its rights in no other
// way. Both roles must be there.
func ServerMayBecomeApp(ctx context.Context, db *sql.DB) (bool, error) {
	const query = `SELECT pg_has_role('rowcall_server', 'rowcall_app', 'MEMBER') AND NOT pg_has_role('rowcall_server', 'rowcall_app', 'USAGE')`
	var joined bool
	if err := db.QueryRowContext(ctx, query).Scan(&joined); err != nil {
		return false, fmt.Errorf("look at role rowcall_server: %w", err)
	}
	return joined, nil
}
