package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/config"
)

// connectPatience bounds one attempt to connect.
const connectPatience = 5 * time.Second

// ParseDSN reads a connection string. The error repeats nothing of the string, which may hold a
// password.
func ParseDSN(dsn config.DSN) (*pgx.ConnConfig, error) {
	if dsn == "" {
		return nil, errors.New("no database is named: set ROWCALL_DATABASE_URL to postgres://user:password@host:5432/database, or try rowcall demo, which needs none")
	}
	c, err := pgx.ParseConfig(string(dsn))
	if err != nil {
		return nil, errors.New("the database's connection string cannot be read: it should look like postgres://user:password@host:5432/database, with special characters of the password percent-encoded")
	}
	c.ConnectTimeout = connectPatience
	return c, nil
}

// AwaitDatabase returns when the database accepts a connection. It tries a database that cannot be
// reached again until patience is over, because services that start together come up in any order.
// It does not try again after a refusal, such as a wrong password. The error is one sentence for
// the operator.
func AwaitDatabase(ctx context.Context, dsn config.DSN, patience time.Duration, log *slog.Logger) error {
	c, err := ParseDSN(dsn)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(patience)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := tryDatabase(ctx, c)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if !unreachable(err) || time.Now().Add(pause).After(deadline) {
			return explainConnect(err, c)
		}
		log.Info("waiting for the database", "address", addressOf(c), "err", causeOf(err))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func tryDatabase(ctx context.Context, c *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// unreachable reports whether an attempt to connect failed for a reason that may pass: no program
// listens, or the server starts, stops or has too many clients.
func unreachable(err error) bool {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refused.Code == "57P03" || strings.HasPrefix(refused.Code, "53")
	}
	_, network := errors.AsType[net.Error](err)
	return network
}

// explainConnect turns a failed attempt into one sentence that says what to do. It does not pass
// the driver's errors on: they repeat user and host, and fill several lines.
func explainConnect(err error, c *pgx.ConnConfig) error {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case !ok && unreachable(err):
		return fmt.Errorf("the database at %s cannot be reached (%s): start it, or correct database.url (ROWCALL_DATABASE_URL)", addressOf(c), causeOf(err))
	case !ok:
		return fmt.Errorf("connecting to the database at %s did not work: %s", addressOf(c), causeOf(err))
	case strings.HasPrefix(refused.Code, "28"):
		return fmt.Errorf("the database at %s refuses user %q (%s): correct the user or the password in database.url (ROWCALL_DATABASE_URL)", addressOf(c), c.User, refused.Message)
	case refused.Code == "3D000":
		return fmt.Errorf("the server at %s has no database %q: create it, or correct database.url (ROWCALL_DATABASE_URL)", addressOf(c), c.Database)
	}
	return fmt.Errorf("the database at %s does not let user %q in: %s", addressOf(c), c.User, refused.Message)
}

// addressOf returns the address that a connection goes to, without anything secret.
func addressOf(c *pgx.ConnConfig) string {
	if strings.HasPrefix(c.Host, "/") {
		return c.Host
	}
	return net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
}

// causeOf returns the innermost reason of a failed connection, on one line.
func causeOf(err error) string {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refused.Message
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return "no answer in time"
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.Err
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err.Error()
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}
