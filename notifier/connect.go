package notifier

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrSchema says that the database has no Rowcall schema that this program could read.
var ErrSchema = errors.New("the database has no rowcall schema: run rowcall migrate")

var errStandby = errors.New("the server is a standby: its snapshots do not say which transactions are running; connect to the primary")

// settings are what the feed's own connections begin with. A poll must use the index on xid whatever the
// statistics say, must not be planned anew each time, and must not start workers, which take longer than it does:
// a generic plan expects a third of the log. The server must not keep the locks of a node that has gone
// without a word, nor of one that has stopped in the middle of a batch.
var settings = map[string]string{
	"enable_seqscan":                  "off",
	"jit":                             "off",
	"plan_cache_mode":                 "force_generic_plan",
	"max_parallel_workers_per_gather": "0",
	"synchronous_commit":              "on",
	"default_transaction_isolation":   "read committed",
	"tcp_keepalives_idle":             "5",
	"tcp_keepalives_interval":         "5",
	"tcp_keepalives_count":            "3",
	"tcp_user_timeout":                "30000",
}

// poolerCodes are errors that a node gets where a pooler in between refuses settings, or gives a session's prepared
// statements to another.
var poolerCodes = []string{"08P01", "0A000", "26000", "42P05"}

// connect opens a connection of the feed's own to the primary. Deaf peers are found by keepalives and,
// on Linux, by unacknowledged data.
func (f *Feed) connect(ctx context.Context, name string) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, stall)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, f.connConfig(name))
	if err != nil {
		return nil, fmt.Errorf("connecting for %s: %w", name, err)
	}
	if err := refuseStandby(ctx, conn); err != nil {
		closeConn(conn)
		return nil, fmt.Errorf("connecting for %s: %w", name, err)
	}
	return conn, nil
}

// connConfig is how to connect. A pooler gets no settings, which would become other sessions' too, and no named
// statements.
func (f *Feed) connConfig(name string) *pgx.ConnConfig {
	config := f.direct.Copy()
	dialer := &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 3},
		Control:         abandonUnacknowledged,
	}
	config.DialFunc = dialer.DialContext
	config.RuntimeParams["application_name"] = "rowcall " + name
	if f.pooled.Load() {
		config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		return config
	}
	maps.Copy(config.RuntimeParams, settings)
	return config
}

// noticePooler remembers an error that a pooler makes: from now on connections are such that it may stay in
// between. The log can be read through it.
func (f *Feed) noticePooler(err error) {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && slices.Contains(poolerCodes, pgErr.Code) && !f.pooled.Swap(true) {
		f.log.Warn("there is a pooler between this node and the server: set database.direct_url to an address past it", "err", err)
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

// closeConn says goodbye to the server even when the caller's context has ended.
func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // there is nothing to do about a goodbye that is not heard
}

// openAside prepares the connection that the poller needs in the middle of a large batch. It is opened when it is
// needed, and never waits behind those who share the pool: live events do not wait for access queries.
func openAside(ctx context.Context, like *pgxpool.Pool, direct *pgx.ConnConfig) (*pgxpool.Pool, error) {
	config := like.Config()
	config.ConnConfig = direct.Copy()
	config.MinConns, config.MaxConns, config.MaxConnIdleTime = 0, 1, time.Minute
	aside, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("preparing the poller's second connection: %w", err)
	}
	return aside, nil
}
