package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/config"
	"rowcall/notifier/dbconn"
	"rowcall/schema"
)

// findDirect finds the server for LISTEN, polls and locks.
func findDirect(ctx context.Context, d config.Database) (*dbconn.Server, error) {
	return findSessions(ctx, d.Direct(), d)
}

// findSessions finds a server for work that needs a session: a pooler that gives each transaction
// another server connection is refused.
func findSessions(ctx context.Context, dsn config.DSN, d config.Database) (*dbconn.Server, error) {
	c, err := ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	if d.Pooler == config.PoolerNone {
		return dbconn.To(c, dbconn.Direct), nil
	}
	server, err := findServer(ctx, c)
	if err != nil || server.Pooling() != dbconn.TransactionPooling {
		return server, err
	}
	key := "database.url"
	switch dsn {
	case d.DirectURL:
		key = "database.direct_url"
	case d.MigrateURL:
		key = "database.migrate_url"
	}
	return nil, fmt.Errorf("%s leads through a pooler at %s that gives each transaction another connection: LISTEN, polls, locks and migrations need a session; set database.direct_url (ROWCALL_DATABASE_DIRECT_URL) to an address of the server itself, or of a pooler in session mode", key, addressOf(c))
}

// findServer finds out what stands between the node and the server. The error is one sentence.
func findServer(ctx context.Context, c *pgx.ConnConfig) (*dbconn.Server, error) {
	server, err := dbconn.Find(ctx, c)
	if err == nil || ctx.Err() != nil {
		return server, errors.Join(err, ctx.Err())
	}
	const undefinedObject = "42704"
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code == undefinedObject {
		return nil, explainServer(fmt.Errorf("%w (%s)", schema.ErrTooOld, refused.Message), c) // it does not know a setting
	}
	return nil, explainConnect(err, c)
}

// Connect opens a connection to look at the database, as the role that serves. The error is one
// sentence for the operator.
func Connect(ctx context.Context, d config.Database) (*pgx.Conn, error) {
	c, err := ParseDSN(d.URL)
	if err != nil {
		return nil, err
	}
	server, err := findServer(ctx, c)
	if err != nil {
		return nil, err
	}
	conn, err := server.Connect(ctx, map[string]string{"application_name": "rowcall"})
	if err != nil {
		return nil, explainConnect(err, c)
	}
	return conn, nil
}

// openPool opens the pool of connections for access, snapshots, replays and resources.
func openPool(ctx context.Context, d config.Database, log *slog.Logger) (*dbconn.Pool, error) {
	dsn, err := ParseDSN(d.URL)
	if err != nil {
		return nil, err
	}
	c, err := pgxpool.ParseConfig(string(d.URL))
	if err != nil {
		return nil, errors.New("the database's connection string has a pool_ parameter that cannot be read")
	}
	if dsn.RuntimeParams["application_name"] == "" {
		dsn.RuntimeParams["application_name"] = "rowcall"
	}
	server := dbconn.To(dsn, dbconn.Direct)
	if d.Pooler != config.PoolerNone {
		if server, err = findServer(ctx, dsn); err != nil {
			return nil, err
		}
	}
	if d.Pooler == config.PoolerTransaction {
		server = server.Behind(dbconn.TransactionPooling)
	}
	if server.Pooling() != dbconn.Direct {
		log.Info("database.url leads through a pooler", "pooling", server.Pooling())
	}
	c.MaxConns = int32(d.PoolSize)
	return server.OpenPool(ctx, c)
}
