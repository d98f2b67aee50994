package notifier

import (
	"context"
	"fmt"
	"time"
)

// aliveEvery is how often a node tells triggers that somebody still reads the log.
const aliveEvery = time.Minute

// keepAlive lets triggers go on filing events for the length of Options.Abandon. Where they had
// stopped, the log has a gap: no cursor from before may resume over it, so a new epoch begins.
func (w *watch) keepAlive(ctx context.Context) error {
	if time.Since(w.alive) < aliveEvery {
		return nil
	}
	if err := w.findGap(ctx); err != nil {
		return fmt.Errorf("keeping the log alive: %w", err)
	}
	err := timed(ctx, func(ctx context.Context) error {
		_, err := w.conn.Exec(ctx, `SELECT rowcall.keep_alive($1)`, time.Now().Add(w.feed.options.Abandon).Unix())
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping the log alive: %w", err)
	}
	if w.gap {
		if err := w.closeGap(ctx); err != nil {
			return fmt.Errorf("beginning a new epoch: %w", err)
		}
	}
	w.alive = time.Now()
	return nil
}

// findGap looks whether triggers have stopped filing. The epoch ends before they are let file again:
// a node that dies on the way leaves no cursor that could hide the gap.
func (w *watch) findGap(ctx context.Context) error {
	return timed(ctx, func(ctx context.Context) error {
		var gap bool
		const sql = `SELECT last_value < extract(epoch FROM clock_timestamp()) FROM rowcall.alive`
		if err := w.conn.QueryRow(ctx, sql).Scan(&gap); err != nil || !gap {
			return err
		}
		w.gap = true
		w.feed.log.Warn("the log was abandoned and events were not filed for a while: a new epoch begins")
		_, err := w.conn.Exec(ctx, `SELECT rowcall.new_epoch()`)
		return err
	})
}

// closeGap waits until every transaction that may have skipped its event has ended, and ends the
// epoch of the cursors made until then.
func (w *watch) closeGap(ctx context.Context) error {
	open, err := w.snapshot(ctx)
	if err != nil {
		return err
	}
	for now := open; now.xmin < open.xmax; {
		pause(ctx, 50*time.Millisecond)
		if now, err = w.snapshot(ctx); err != nil {
			return err
		}
	}
	err = timed(ctx, func(ctx context.Context) error {
		_, err := w.conn.Exec(ctx, `SELECT rowcall.new_epoch()`)
		return err
	})
	if err != nil {
		return err
	}
	w.gap = false
	return w.history(ctx)
}

func (w *watch) snapshot(ctx context.Context) (snapshot, error) {
	var text string
	err := timed(ctx, func(ctx context.Context) error {
		return w.conn.QueryRow(ctx, `SELECT pg_current_snapshot()::text`).Scan(&text)
	})
	if err != nil {
		return snapshot{}, err
	}
	return parseSnapshot(text)
}
