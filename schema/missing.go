package schema

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
)

// grantee is a role that Rowcall creates for others to be granted.
type grantee struct {
	name string
	kind string // its attributes
	cost string // of being without it
}

func grantees() []grantee {
	return []grantee{
		{"rowcall_publisher", "NOLOGIN", "a role that files events needs EXECUTE on rowcall.publish by itself"},
		{"rowcall_reader", "NOLOGIN", "a role that asks for cursors needs EXECUTE on rowcall.cursor by itself"},
		{"rowcall_server", "NOLOGIN NOINHERIT", "nodes can only serve as the owner of schema rowcall"},
		{"rowcall_app", "NOLOGIN", "resources and functions cannot be served"},
	}
}

// warnOfRoles tells which roles are missing, what that costs, and what a superuser runs to mend it.
func warnOfRoles(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	var migrator string
	if err := db.QueryRowContext(ctx, `SELECT current_user`).Scan(&migrator); err != nil {
		return fmt.Errorf("ask for the migrating role: %w", err)
	}
	var names, costs, remedy []string
	for _, g := range grantees() {
		const exists = `SELECT pg_catalog.to_regrole($1) IS NOT NULL`
		var there bool
		if err := db.QueryRowContext(ctx, exists, g.name).Scan(&there); err != nil {
			return fmt.Errorf("look for role %s: %w", g.name, err)
		}
		if there {
			continue
		}
		names = append(names, g.name)
		costs = append(costs, "without "+g.name+" "+g.cost)
		remedy = append(remedy, "CREATE ROLE "+g.name+" "+g.kind+";")
	}
	if len(names) > 0 {
		log.WarnContext(ctx, "roles left out, the migrating role may not create them", "role", migrator,
			"missing", strings.Join(names, ", "), "cost", strings.Join(costs, "; "),
			"remedy", strings.Join(remedy, " ")+joinApp+" as a superuser, then rowcall migrate")
		return nil
	}
	return warnOfServer(ctx, db, log)
}

// joinApp lets members of rowcall_server become rowcall_app, without having its rights otherwise.
const joinApp = ` GRANT rowcall_app TO rowcall_server;`

// warnOfServer tells where members of rowcall_server may not become rowcall_app, or have its rights without becoming it.
func warnOfServer(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	const query = `SELECT pg_has_role('rowcall_server', 'rowcall_app', 'MEMBER') AND NOT pg_has_role('rowcall_server', 'rowcall_app', 'USAGE')`
	var joined bool
	if err := db.QueryRowContext(ctx, query).Scan(&joined); err != nil {
		return fmt.Errorf("look at role rowcall_server: %w", err)
	}
	if !joined {
		log.WarnContext(ctx, "role rowcall_server is not set up for resources and functions, the migrating role may not do it",
			"remedy", "ALTER ROLE rowcall_server NOINHERIT;"+joinApp+" as a superuser")
	}
	return nil
}
