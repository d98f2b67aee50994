package notifier

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

// Triggers file events until a time that the sequence rowcall.state holds, by the database's clock. A
// node keeps that time ahead of the present. When it lies in the past, because no node has run for the
// length of Options.Abandon, triggers stop filing events. Then the log has a gap, and no cursor from
// before may resume over it.

// aliveEvery is the interval at which a node moves that time ahead.
const aliveEvery = time.Minute

// aliveKeeper keeps that time ahead, and begins a new epoch after a gap. It belongs to the
// poller's goroutine, and outlives its connections.
type aliveKeeper struct {
	options *Options
	log     *slog.Logger
	setAt   time.Time // when the sequence was last moved ahead
	gapOpen bool      // events were not filed for a while, and the epoch after that has not begun
}

// keepIfDue is keep, at most once every aliveEvery.
func (k *aliveKeeper) keepIfDue(ctx context.Context, conn *pgx.Conn) (newEpoch bool, err error) {
	if time.Since(k.setAt) < aliveEvery {
		return false, nil
	}
	return k.keep(ctx, conn)
}

// keep lets triggers go on filing events for the length of Options.Abandon. If they had stopped, it
// begins a new epoch, and returns true.
func (k *aliveKeeper) keep(ctx context.Context, conn *pgx.Conn) (newEpoch bool, err error) {
	if err := k.findGap(ctx, conn); err != nil {
		return false, fmt.Errorf("keeping the log alive: %w", err)
	}
	err = exchange(ctx, func(ctx context.Context) error {
		const sql = `SELECT rowcall.keep_alive((extract(epoch FROM clock_timestamp()) + $1)::bigint)`
		_, err := conn.Exec(ctx, sql, int64(k.options.Abandon.Seconds()))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("keeping the log alive: %w", err)
	}
	if k.gapOpen {
		if err := k.closeGap(ctx, conn); err != nil {
			return false, fmt.Errorf("beginning a new epoch: %w", err)
		}
		newEpoch = true
	}
	k.setAt = time.Now()
	return newEpoch, nil
}

// findGap finds out whether triggers have stopped filing, and if so ends the epoch before they may
// file again. So a node that dies on the way leaves no cursor that could hide the gap.
func (k *aliveKeeper) findGap(ctx context.Context, conn *pgx.Conn) error {
	return exchange(ctx, func(ctx context.Context) error {
		var gap bool
		const sql = `SELECT rowcall.files_until() < extract(epoch FROM clock_timestamp())`
		if err := conn.QueryRow(ctx, sql).Scan(&gap); err != nil || !gap {
			return err
		}
		k.gapOpen = true
		k.log.Warn("the log was abandoned and events were not filed for a while: a new epoch begins")
		_, err := conn.Exec(ctx, `SELECT rowcall.new_epoch()`)
		return err
	})
}

// closeGap waits until every transaction that may have skipped its event has ended. Then it ends
// the epoch of the cursors made until then.
func (k *aliveKeeper) closeGap(ctx context.Context, conn *pgx.Conn) error {
	if err := waitForOpenTransactions(ctx, conn); err != nil {
		return err
	}
	err := exchange(ctx, func(ctx context.Context) error {
		_, err := conn.Exec(ctx, `SELECT rowcall.new_epoch()`)
		return err
	})
	if err == nil {
		k.gapOpen = false
	}
	return err
}

// waitForOpenTransactions waits until every transaction that is open now has ended.
func waitForOpenTransactions(ctx context.Context, conn *pgx.Conn) error {
	open, err := currentSnapshot(ctx, conn)
	if err != nil {
		return err
	}
	for now := open; now.xmin < open.xmax; {
		pause(ctx, 50*time.Millisecond)
		if now, err = currentSnapshot(ctx, conn); err != nil {
			return err
		}
	}
	return nil
}

func currentSnapshot(ctx context.Context, conn *pgx.Conn) (snapshot, error) {
	var text string
	err := exchange(ctx, func(ctx context.Context) error {
		return conn.QueryRow(ctx, `SELECT pg_current_snapshot()::text`).Scan(&text)
	})
	if err != nil {
		return snapshot{}, err
	}
	return parseSnapshot(text)
}
