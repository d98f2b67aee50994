package notifier

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/schema/schematest"
)

// atQuery runs a function before the first query of a text.
type atQuery struct {
	sql string
	do  func()
}

func (a *atQuery) TraceQueryStart(ctx context.Context, _ *pgx.Conn, query pgx.TraceQueryStartData) context.Context {
	if query.SQL == a.sql && a.do != nil {
		do := a.do
		a.do = nil
		do()
	}
	return ctx
}

func (a *atQuery) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TestANodeThatConnectsWhileAHistoryBegins has another node begin a history after the first node has read
// the epoch and before it reads the boot row. The first node must not take the old epoch for the new history.
func TestANodeThatConnectsWhileAHistoryBegins(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	other := db.Conn(t)
	if _, err := other.Exec(t.Context(), `SELECT rowcall.epoch()`); err != nil {
		t.Fatal(err)
	}
	config, err := pgx.ParseConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	config.Tracer = &atQuery{sql: bootSQL, do: func() {
		if _, err := other.Exec(t.Context(), `SELECT rowcall.leave_epoch(rowcall.epoch())`); err != nil {
			t.Error(err)
		}
	}}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	got, err := queryHistory(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	want, err := queryHistory(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	if got.epoch != want.epoch || got.boot != want.boot {
		t.Errorf("the node has epoch %s and boot row %s, want %s and %s", got.epoch, got.boot, want.epoch, want.boot)
	}
}
