package notifier

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrSchema says that the database has no Rowcall schema that this program could read.
var ErrSchema = errors.New("the database has no rowcall schema: run rowcall migrate")

var errStandby = errors.New("the server is a standby: its snapshots do not say which transactions are running; connect to the primary")

// connect opens a connection of the feed's own to the primary. Deaf peers are found by keepalives and,
// on Linux, by unacknowledged data.
func connect(ctx context.Context, config *pgx.ConnConfig, name string) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, stall)
	defer cancel()
	config = config.Copy()
	dialer := &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 3},
		Control:         abandonUnacknowledged,
	}
	config.DialFunc = dialer.DialContext
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connecting for %s: %w", name, err)
	}
	if err := prepareConn(ctx, conn, name); err != nil {
		closeConn(conn)
		return nil, fmt.Errorf("connecting for %s: %w", name, err)
	}
	return conn, nil
}

func prepareConn(ctx context.Context, conn *pgx.Conn, name string) error {
	var standby bool
	if err := conn.QueryRow(ctx, `SELECT pg_is_in_recovery()`).Scan(&standby); err != nil {
		return err
	}
	if standby {
		return errStandby
	}
	_, err := conn.Exec(ctx, `SELECT set_config('application_name', $1, false)`, "rowcall "+name)
	return err
}

// closeConn says goodbye to the server even when the caller's context has ended.
func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // there is nothing to do about a goodbye that is not heard
}

// backoff counts attempts and waits between them with full jitter.
type backoff struct{ attempts int }

func (b *backoff) reset() { b.attempts = 0 }

func (b *backoff) wait(ctx context.Context) {
	const least, most = 50 * time.Millisecond, 2 * time.Second
	limit := min(most, least<<min(b.attempts, 10))
	b.attempts++
	pause(ctx, limit)
}
