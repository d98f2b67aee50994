// Package dbconn opens connections to PostgreSQL whose settings do not depend on how the server, the
// database or the role is configured. settings.go has the one list of them.
//
// On a connection to the server itself they are start-up parameters. A pooler refuses most of
// those. One that gives a client a server connection for the whole session gets them as SET
// statements after the start. One that gives each transaction another server connection gets them
// as SET LOCAL statements at the beginning of each transaction.
package dbconn

import (
	"context"
	"fmt"
	"maps"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Pooling says what stands between a program and the server.
type Pooling int

// The kinds of pooling.
const (
	Direct             Pooling = iota // nothing that the program would notice
	SessionPooling                    // a pooler that keeps a server connection for each client
	TransactionPooling                // a pooler that gives each transaction another server connection
)

// String is for messages.
func (p Pooling) String() string {
	return [...]string{"direct", "session pooling", "transaction pooling"}[p]
}

// Server is a way to a server. Find makes one.
type Server struct {
	config  *pgx.ConnConfig
	pooling Pooling
	version int // the major version; 0: unknown
}

// To returns a way whose pooling is known.
func To(config *pgx.ConnConfig, pooling Pooling) *Server {
	return &Server{config: config.Copy(), pooling: pooling}
}

// Behind returns the same way with another pooling than was found.
func (s *Server) Behind(pooling Pooling) *Server {
	return &Server{config: s.config, pooling: pooling, version: s.version}
}

// Pooling says what stands in between.
func (s *Server) Pooling() Pooling { return s.pooling }

// ConnConfig returns how to connect with the settings of this package, and more of the caller's own.
// Behind transaction pooling a connection gets no settings: its transactions must begin with them, as
// those of a Pool do, and it uses no named statements, which a pooler mixes up.
func (s *Server) ConnConfig(more map[string]string) *pgx.ConnConfig {
	config := s.config.Copy()
	switch s.pooling {
	case Direct:
		startup(config.RuntimeParams)
		maps.Copy(config.RuntimeParams, more)
		config.AfterConnect = then(config.AfterConnect, func(version int) string { return late(version) })
	case SessionPooling:
		config.AfterConnect = then(config.AfterConnect, func(version int) string { return forSession(version) + setAll(more) })
	case TransactionPooling:
		config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		config.StatementCacheCapacity = 0
	}
	return config
}

// Connect opens one connection with the settings of this package, and more of the caller's own.
func (s *Server) Connect(ctx context.Context, more map[string]string) (*pgx.Conn, error) {
	return pgx.ConnectConfig(ctx, s.ConnConfig(more))
}

// then runs statements that depend on the server's version after what was to be done before.
func then(before func(context.Context, *pgconn.PgConn) error, statements func(version int) string) func(context.Context, *pgconn.PgConn) error {
	return func(ctx context.Context, conn *pgconn.PgConn) error {
		if before != nil {
			if err := before(ctx, conn); err != nil {
				return err
			}
		}
		sql := statements(majorVersion(conn))
		if sql == "" {
			return nil
		}
		if _, err := conn.Exec(ctx, sql).ReadAll(); err != nil {
			return fmt.Errorf("making the settings of the connection: %w", err)
		}
		return nil
	}
}
