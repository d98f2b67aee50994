package dbconn

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ringPatience is how long Find waits for a notification that transaction pooling would swallow.
const ringPatience = 2 * time.Second

// Find connects, and finds out what stands between this program and the server. It costs two
// connections more where that is a pooler.
func Find(ctx context.Context, config *pgx.ConnConfig) (*Server, error) {
	s := To(config, Direct)
	conn, err := s.Connect(ctx, nil)
	if err == nil {
		defer conn.Close(ctx)
		s.version = majorVersion(conn.PgConn())
		own, err := isServers(ctx, conn)
		if err != nil || own {
			return s, err
		}
	} else if !refusesParameters(err) {
		return nil, err
	}
	return findPooling(ctx, To(config, TransactionPooling))
}

// isServers reports whether the connection is one of the server's own. The process that a pooler
// names at the start is not the one that serves.
func isServers(ctx context.Context, conn *pgx.Conn) (bool, error) {
	announced := conn.PgConn().PID()
	if announced == 0 {
		return true, nil // nobody has said
	}
	var pid uint32
	if err := conn.QueryRow(ctx, `SELECT pg_backend_pid()`, pgx.QueryExecModeExec).Scan(&pid); err != nil {
		return false, fmt.Errorf("asking for the server's process: %w", err)
	}
	return pid == announced, nil
}

// refusesParameters reports whether a connection failed for its start-up parameters, all of which a
// server would have accepted.
func refusesParameters(err error) bool {
	const protocolViolation = "08P01"
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refused.Code == protocolViolation && strings.Contains(refused.Message, "startup parameter")
}

// findPooling tells the kinds of poolers apart by what matters: whether LISTEN lasts.
func findPooling(ctx context.Context, s *Server) (*Server, error) {
	listener, err := s.Connect(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer listener.Close(ctx)
	s.version = majorVersion(listener.PgConn())
	channel := "rowcall_pooling_" + strings.ToLower(rand.Text())
	if _, err := listener.Exec(ctx, "LISTEN "+channel); err != nil {
		return nil, fmt.Errorf("looking for a pooler: %w", err)
	}
	if err := ring(ctx, s, channel); err != nil {
		return nil, fmt.Errorf("looking for a pooler: %w", err)
	}
	waiting, cancel := context.WithTimeout(ctx, ringPatience)
	defer cancel()
	if _, err := listener.WaitForNotification(waiting); err == nil {
		s.pooling = SessionPooling
	}
	return s, ctx.Err()
}

// ring notifies a channel from another connection. A pooler may give it the server connection that
// listens: then the notification goes to the wrong client.
func ring(ctx context.Context, s *Server, channel string) error {
	conn, err := s.Connect(ctx, nil)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "NOTIFY "+channel)
	return err
}
