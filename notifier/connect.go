package notifier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/notifier/dbconn"
)

// ErrSchema says that the database has no Rowcall schema that this program can read.
var ErrSchema = errors.New("the database has no rowcall schema: run rowcall migrate")

var errStandby = errors.New("the server is a standby: its snapshots do not say which transactions are running; connect to the primary")

// sessionSettings are the parameters of the node's own connections. Polls must use the index on xid
// whatever the statistics say, and in its order, so that the first row comes at once. They must not
// be planned anew each time, and must not start workers, which take longer than the poll: a generic
// plan expects a third of the log. A page of a poll is sorted in memory. The server must release
// the locks of a node that has disappeared, or has stopped in the middle of a poll.
var sessionSettings = map[string]string{
	"enable_seqscan":                  "off",
	"enable_bitmapscan":               "off",
	"enable_indexscan":                "on",
	"enable_tidscan":                  "on",
	"work_mem":                        "4MB",
	"plan_cache_mode":                 "force_generic_plan",
	"max_parallel_workers_per_gather": "0",
	"synchronous_commit":              "on",
	"tcp_keepalives_idle":             "5",
	"tcp_keepalives_interval":         "5",
	"tcp_keepalives_count":            "3",
	"tcp_user_timeout":                "30000",
}

// poolerCodes are the SQLSTATEs of errors that a connection pooler causes: it refuses settings, or
// it gives the prepared statements of one session to another.
var poolerCodes = []string{"08P01", "0A000", "26000", "42P05"}

// connector opens the node's own connections: for LISTEN and for polls.
type connector struct {
	direct *dbconn.Server
	log    *slog.Logger
	pooled atomic.Bool // a pooler between the node and the server was noticed
}

func newConnector(direct *dbconn.Server, log *slog.Logger) *connector {
	return &connector{direct: direct, log: log}
}

// connect opens a connection to the primary. The purpose becomes part of its application_name.
// Keepalives find a peer that has gone and, on Linux, so does data that stays unacknowledged.
func (c *connector) connect(ctx context.Context, purpose string) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, silenceLimit)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, c.config(purpose))
	if err != nil {
		return nil, fmt.Errorf("connecting for %s: %w", purpose, err)
	}
	if err := refuseStandby(ctx, conn); err != nil {
		closeConn(conn)
		return nil, fmt.Errorf("connecting for %s: %w", purpose, err)
	}
	return conn, nil
}

// config says how to connect. A pooler gets neither settings, which would leak into the sessions of
// others, nor named statements.
func (c *connector) config(purpose string) *pgx.ConnConfig {
	config := c.direct.ConnConfig(sessionSettings)
	if c.pooled.Load() {
		config = c.direct.Behind(dbconn.TransactionPooling).ConnConfig(nil)
	}
	dialer := &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 3},
		Control:         abandonUnacknowledged,
	}
	config.DialFunc = dialer.DialContext
	config.RuntimeParams["application_name"] = "rowcall " + purpose
	return config
}

// noticePooler remembers an error that only a pooler makes. Later connections are made so that they
// work through it: the log can be polled, but rings do not arrive.
func (c *connector) noticePooler(err error) {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && slices.Contains(poolerCodes, pgErr.Code) && !c.pooled.Swap(true) {
		c.log.Warn("there is a pooler between this node and the server: set database.direct_url to an address past it", "err", err)
	}
}

func refuseStandby(ctx context.Context, conn *pgx.Conn) error {
	var standby bool
	if err := conn.QueryRow(ctx, `SELECT pg_is_in_recovery()`).Scan(&standby); err != nil {
		return err
	}
	if standby {
		return errStandby
	}
	return nil
}

// closeConn closes the connection in order. Its context is its own, because the caller's has often
// ended already.
func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // if the server does not hear it, there is nothing left to do
}
