package node

import (
	"context"
	"database/sql"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"rowcall/api"
	"rowcall/config"
	"rowcall/notifier/dbconn"
	"rowcall/schema"
)

// Way is one of the configured ways to the database, for looking without changing anything.
type Way struct {
	Setting string // database.url, database.direct_url or database.migrate_url
	User    string // the role that it connects as
	Address string // host and port, without anything secret
	server  *dbconn.Server
}

// FindWay connects once and finds out what stands between this program and the server, whatever database.pooler
// says. The error is one sentence for the operator.
func FindWay(ctx context.Context, setting string, dsn config.DSN) (*Way, error) {
	c, err := ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	server, err := findServer(ctx, c)
	if err != nil {
		return nil, err
	}
	return &Way{Setting: setting, User: c.User, Address: addressOf(c), server: server}, nil
}

// Pooling says what stands in between.
func (w *Way) Pooling() dbconn.Pooling { return w.server.Pooling() }

// readOnly are the settings of a connection that looks: it cannot write, and no statement of it waits for long.
func readOnly() map[string]string {
	return map[string]string{
		"application_name": "rowcall doctor", "default_transaction_read_only": "on", "statement_timeout": "5s", "lock_timeout": "1s",
	}
}

// Connect opens a connection that looks.
func (w *Way) Connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := w.server.Connect(ctx, readOnly())
	if err != nil {
		return nil, explainConnect(err, w.server.ConnConfig(nil))
	}
	return conn, nil
}

// ConnectToRepair opens a connection that may write.
func (w *Way) ConnectToRepair(ctx context.Context) (*pgx.Conn, error) {
	conn, err := w.server.Connect(ctx, map[string]string{"application_name": "rowcall doctor"})
	if err != nil {
		return nil, explainConnect(err, w.server.ConnConfig(nil))
	}
	return conn, nil
}

// SQL opens the database for looking with database/sql. Close it afterwards.
func (w *Way) SQL() *sql.DB { return stdlib.OpenDB(*w.server.ConnConfig(readOnly())) }

// SQLToRepair opens the database for repairs with database/sql. Close it afterwards.
func (w *Way) SQLToRepair() *sql.DB {
	return stdlib.OpenDB(*w.server.ConnConfig(map[string]string{"application_name": "rowcall doctor"}))
}

// CheckSettings compares the topics, users, resources and functions of the configuration with the database, as a node
// does when it starts. The error is a rules.Problems if settings do not fit.
func CheckSettings(ctx context.Context, c *config.Config) error {
	silent := slog.New(slog.DiscardHandler)
	direct, err := findDirect(ctx, c.Database)
	if err != nil {
		return err
	}
	pool, err := openPool(ctx, c.Database, silent)
	if err != nil {
		return err
	}
	defer pool.Close()
	n := &Node{pool: pool, apps: c.Apps, log: silent, metrics: api.NewMetrics()}
	return n.assemble(ctx, c, direct, nil)
}

// Needs says what a node with this configuration works with beside the log.
func Needs(c *config.Config) schema.Needs { return needs(c) }

// DjangoSessions returns the table of sessions of a Django site whose triggers Migrate installs; empty if there is none.
func DjangoSessions(c *config.Config) string { return djangoSessionsTable(c.Auth.Django) }
