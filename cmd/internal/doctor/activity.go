package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

func activityLooks() []look {
	return []look{
		{"the queue of notifications", false, lookAtNotifications},
		{"prepared transactions", false, lookAtPrepared},
		{"open transactions", false, lookAtTransactions},
		{"the number of open transactions", false, lookAtManyTransactions},
		{"the activity of other roles", false, lookAtHiddenActivity},
		{"limits of connections", false, lookAtConnections},
	}
}

// session is a session of the server whose transaction is open.
type session struct {
	PID         int32
	Role        string
	Application string
	State       string
	Seconds     float64 // since its transaction began
}

func (s session) name() string { return fmt.Sprintf("pid %d", s.PID) }

func (s session) String() string {
	return fmt.Sprintf("pid %d (role %s, application %q, %s)", s.PID, quote(s.Role), s.Application, s.State)
}

func (s session) age() time.Duration {
	return time.Duration(s.Seconds * float64(time.Second)).Round(time.Second)
}

func (s session) terminate() string { return fmt.Sprintf("SELECT pg_terminate_backend(%d)", s.PID) }

// lookAtNotifications finds a queue of NOTIFY that fills. Only a session that listens and stays in a transaction can fill
// it.
func lookAtNotifications(ctx context.Context, e *examination, tx pgx.Tx) ([]Finding, error) {
	var full float64
	if err := tx.QueryRow(ctx, `SELECT pg_notification_queue_usage()`).Scan(&full); err != nil {
		return nil, err
	}
	if full < e.options.Queue {
		return nil, nil
	}
	return []Finding{finding(NotifyQueue, "", "",
		fmt.Sprintf("the queue of notifications is %.3g %% full: a session listens and stays in a transaction. From 5 %% on writers do not ring, so nodes poll; at 100 %% every commit that rings would fail", full*100),
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND xact_start < now() - interval '5 minutes', in the database where the session is")}, nil
}

// lookAtPrepared finds prepared transactions that somebody has left behind.
func lookAtPrepared(ctx context.Context, e *examination, tx pgx.Tx) ([]Finding, error) {
	const query = `
		SELECT gid, owner::text, extract(epoch FROM clock_timestamp() - prepared)::float8, format('%L', gid) FROM pg_prepared_xacts
		WHERE database = current_database() AND prepared <= clock_timestamp() - make_interval(secs => $1) ORDER BY prepared`
	rows, err := tx.Query(ctx, query, e.options.Long.Seconds())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Finding, error) {
		var gid, owner, literal string
		var seconds float64
		err := row.Scan(&gid, &owner, &seconds, &literal)
		return finding(TransactionPrepared, "", gid,
			fmt.Sprintf("prepared transaction %q of role %s is %s old: its events wait, nodes poll instead of sleeping, and retention cannot empty slots that it has written", gid, quote(owner), session{Seconds: seconds}.age()),
			"COMMIT PREPARED "+literal+" or ROLLBACK PREPARED "+literal), err
	})
}

// lookAtTransactions finds transactions that are open for long.
func lookAtTransactions(ctx context.Context, e *examination, tx pgx.Tx) ([]Finding, error) {
	const query = `
		SELECT pid, coalesce(usename, '')::text, application_name, coalesce(state, ''),
		       extract(epoch FROM clock_timestamp() - xact_start)::float8, backend_xid IS NOT NULL
		FROM pg_stat_activity
		WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
		  AND xact_start <= clock_timestamp() - make_interval(secs => $1) ORDER BY xact_start`
	rows, err := tx.Query(ctx, query, e.options.Long.Seconds())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Finding, error) {
		var s session
		var writes bool
		if err := row.Scan(&s.PID, &s.Role, &s.Application, &s.State, &s.Seconds, &writes); err != nil {
			return Finding{}, err
		}
		if !writes {
			return finding(TransactionRead, "", s.name(), fmt.Sprintf("%s has had a transaction open for %s, which has not written: it holds up VACUUM, and retention if it has read the log", s, s.age()), s.terminate()), nil
		}
		return finding(TransactionLong, "", s.name(), fmt.Sprintf("%s has had a transaction open for %s, which has written: its events come when it commits, and nodes poll instead of sleeping", s, s.age()), s.terminate()), nil
	})
}

// lookAtManyTransactions finds so many open transactions that cursors become too long.
func lookAtManyTransactions(ctx context.Context, e *examination, tx pgx.Tx) ([]Finding, error) {
	var open int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM pg_snapshot_xip(pg_current_snapshot())`).Scan(&open); err != nil {
		return nil, err
	}
	if open < e.options.Many {
		return nil, nil
	}
	return []Finding{finding(TransactionMany, "", "",
		fmt.Sprintf("%d transactions that have written are open on the server: a cursor names each of them, and from about 690 on new subscriptions are refused", open),
		"SELECT pid, datname, usename, application_name, xact_start FROM pg_stat_activity WHERE backend_xid IS NOT NULL ORDER BY xact_start: end those that are idle")}, nil
}

// lookAtHiddenActivity says when other roles' transactions cannot be seen.
func lookAtHiddenActivity(ctx context.Context, e *examination, tx pgx.Tx) ([]Finding, error) {
	const query = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = '<insufficient privilege>'`
	var hidden int
	if err := tx.QueryRow(ctx, query).Scan(&hidden); err != nil || hidden == 0 {
		return nil, err
	}
	return []Finding{finding(ActivityHidden, "", e.role,
		fmt.Sprintf("role %s may not see what %d sessions of other roles do: long transactions among them were not found", quote(e.role), hidden),
		"GRANT pg_read_all_stats TO "+quote(e.role))}, nil
}
