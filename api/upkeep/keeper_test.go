package upkeep_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/problem"
	"rowcall/api/upkeep"
	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// lines receives the lines of a log.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func (l lines) expect(t *testing.T, words ...string) {
	t.Helper()
	select {
	case line := <-l:
		for _, word := range words {
			if !strings.Contains(line, word) {
				t.Errorf("the log says %q, which lacks %q", line, word)
			}
		}
	case <-time.After(testdeadline.Hang()):
		t.Fatalf("the log never says %q", words)
	}
}

// TestKeeperNoticesChangesOfTheCatalog changes a table that no request asks for.
func TestKeeperNoticesChangesOfTheCatalog(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	db.Exec(t, `CREATE TABLE orders (id int, total int)`)
	pool := db.Pool(t)
	log := make(lines, 10)
	keeper := upkeep.New(dbconn.Over(pool), slog.New(slog.NewTextHandler(log, nil)), nil, totals(pool))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- keeper.Run(ctx) }()
	db.Exec(t, `ALTER TABLE orders RENAME total TO amount`)
	log.expect(t, "level=WARN", "does not fit the database any more", "topics[0].snapshot", "totals", "total")
	if unfit := keeper.Unfit(); len(unfit) != 1 || unfit[0].Setting != "topics[0].snapshot" || !strings.Contains(unfit[0].Reason, "total") {
		t.Errorf("unfit are %+v, want topics[0].snapshot", unfit)
	}
	db.Exec(t, `ALTER TABLE orders RENAME amount TO total`)
	log.expect(t, "level=INFO", "fits the database again", "topics[0].snapshot")
	if unfit := keeper.Unfit(); len(unfit) != 0 {
		t.Errorf("unfit are %+v, want none", unfit)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("the keeper ends with %v", err)
	}
}

// totals is a setting that needs the column total.
func totals(pool *pgxpool.Pool) *upkeep.Item {
	return upkeep.NewItem("topics[0].snapshot", "totals", func(ctx context.Context, _ bool) (bool, error) {
		var sum int
		err := pool.QueryRow(ctx, `SELECT coalesce(sum(total), 0) FROM orders`).Scan(&sum)
		if failed := problem.OfDatabase("reading", err); err != nil && errors.Is(failed, problem.ErrUnavailable) {
			return false, failed
		}
		return false, err
	})
}
