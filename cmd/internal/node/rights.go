package node

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5/stdlib"

	"rowcall/api/problem"
	"rowcall/api/upkeep"
	"rowcall/config"
	"rowcall/notifier/dbconn"
	"rowcall/schema"
)

func needs(c *config.Config) schema.Needs {
	return schema.Needs{Accounts: c.Auth.Users.Table != "-", Apps: c.Apps}
}

// rightsItems returns a setting for each role that the node connects as. It fits while the role has the
// rights that a node needs, so that the log and /readyz tell of a missing right before a statement fails.
func (n *Node) rightsItems(c *config.Config, direct *dbconn.Server) []*upkeep.Item {
	items := []*upkeep.Item{rightsItem("database.url", needs(c), n.pool.SQL)}
	at := direct.ConnConfig(nil)
	if at.User != n.pool.User() {
		items = append(items, rightsItem("database.direct_url", schema.Needs{}, func() *sql.DB { return stdlib.OpenDB(*at) }))
	}
	return items
}

func rightsItem(setting string, n schema.Needs, connect func() *sql.DB) *upkeep.Item {
	return upkeep.NewItem(setting, "rights", func(ctx context.Context, _ bool) (bool, error) {
		db := connect()
		defer db.Close()
		missing, err := schema.MissingRights(ctx, db, n)
		if err != nil {
			return false, problem.OfDatabase("looking at rights", err)
		}
		if missing != "" {
			return false, errors.New(missing)
		}
		return false, nil
	})
}

// warnOfSilentTriggers logs a warning if the triggers of the operator's tables do not fire when the node writes.
func (n *Node) warnOfSilentTriggers(ctx context.Context) error {
	const sql = `SELECT current_setting('session_replication_role'), current_user`
	var setting, role string
	if err := n.pool.QueryRow(ctx, sql).Scan(&setting, &role); err != nil {
		return problem.OfDatabase("looking at session_replication_role", err)
	}
	if setting == "replica" {
		n.log.Warn("session_replication_role is replica for the role that serves: of the triggers, only those that are ENABLE ALWAYS or ENABLE REPLICA fire when the node writes",
			"role", role, "remedy", "RESET session_replication_role with ALTER ROLE or ALTER DATABASE, then restart the node")
	}
	return nil
}
