package notifier_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// seed makes the choices of a random run: the same seed makes the same choices.
var seed = flag.Uint64("seed", rand.Uint64(), "seed of the random tests' choices")

const (
	oracleRows    = 400
	oracleWriters = 16
)

const oracleSchema = `
CREATE TABLE versioned (id int PRIMARY KEY, version int NOT NULL DEFAULT 0);
INSERT INTO versioned SELECT i FROM generate_series(1, 400) AS i;
CREATE FUNCTION versioned_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM rowcall.publish('rows/' || NEW.id, 'version', json_build_object('id', NEW.id, 'version', NEW.version));
	RETURN NULL;
END $$;
CREATE TRIGGER "0_versioned" AFTER UPDATE ON versioned FOR EACH ROW EXECUTE FUNCTION versioned_change();`

// oracle is a table with a version column that each update increments. A complete reader sees the versions
// 1..n of each row, in order, once each, and ends at the table's value.
type oracle struct {
	t      testing.TB
	db     *schematest.Database
	pool   *pgxpool.Pool
	away   bool          // the database may be away
	forgot bool          // it may have forgotten: witnesses may be reset
	done   chan struct{} // closed when the writers have stopped
	final  atomic.Int64  // the sum of the table's versions after that
	events atomic.Int64
	moves  atomic.Int64
	resets atomic.Int64
}

func newOracle(t testing.TB, db *schematest.Database) *oracle {
	t.Helper()
	db.Exec(t, oracleSchema)
	return &oracle{t: t, db: db, pool: widePool(t, db.URL), done: make(chan struct{})}
}

// widePool has a connection for each writer.
func widePool(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 32
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// random is a stream of choices of its own for each who chooses.
func random(stream int) *rand.Rand {
	return rand.New(rand.NewPCG(*seed, uint64(stream)))
}

// cursor is where witnesses start.
func (o *oracle) cursor() string {
	o.t.Helper()
	var start string
	if err := o.pool.QueryRow(context.Background(), `SELECT rowcall.cursor()`).Scan(&start); err != nil {
		o.t.Fatal(err)
	}
	return start
}

// writers update rows until ctx ends.
func (o *oracle) writers(ctx context.Context, writing *sync.WaitGroup) {
	for i := range oracleWriters {
		writing.Go(func() { o.write(ctx, random(i)) })
	}
}

var levels = []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable}

// write updates rows in transactions of all kinds; some roll back, as a whole or to a savepoint.
func (o *oracle) write(ctx context.Context, random *rand.Rand) {
	for ctx.Err() == nil {
		err := pgx.BeginTxFunc(context.WithoutCancel(ctx), o.pool, pgx.TxOptions{IsoLevel: levels[random.IntN(3)]}, func(tx pgx.Tx) error {
			return transaction(tx, random)
		})
		switch {
		case err == nil, errors.Is(err, errRolledBack), concurrent(err):
		case o.away:
			wait(ctx, 20*time.Millisecond)
		default:
			o.t.Errorf("writing: %v", err)
			return
		}
	}
}

var errRolledBack = errors.New("rolled back on purpose")

// concurrent reports whether PostgreSQL refused for the sake of isolation, or to end a deadlock, or
// because the test cut the connection.
func concurrent(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == "40001" || pgErr.Code == "40P01" || pgErr.Code == "57P01")
}

func transaction(tx pgx.Tx, random *rand.Rand) error {
	ctx := context.Background()
	for range 1 + random.IntN(3) {
		if err := bump(ctx, tx, random); err != nil {
			return err
		}
		if random.IntN(4) == 0 {
			if err := savepoint(ctx, tx, random); err != nil {
				return err
			}
		}
		if random.IntN(20) == 0 {
			if _, err := tx.Exec(ctx, `SELECT pg_sleep($1)`, random.Float64()/50); err != nil {
				return err
			}
		}
	}
	if random.IntN(5) == 0 {
		return errRolledBack
	}
	return nil
}

func savepoint(ctx context.Context, tx pgx.Tx, random *rand.Rand) error {
	err := pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
		if err := bump(ctx, inner, random); err != nil {
			return err
		}
		if random.IntN(2) == 0 {
			return errRolledBack
		}
		return nil
	})
	if errors.Is(err, errRolledBack) {
		return nil
	}
	return err
}

func bump(ctx context.Context, tx pgx.Tx, random *rand.Rand) error {
	from := 1 + random.IntN(oracleRows)
	_, err := tx.Exec(ctx, `UPDATE versioned SET version = version + 1 WHERE id BETWEEN $1 AND $2`, from, from+random.IntN(3))
	return err
}

// total is the sum of the table's versions once the writers have stopped. The last fault may have cut the
// pool's connections, so reading is tried again: a witness that has seen everything would wait for ever for
// an event if it took an unknown total for one that it has not reached.
func (o *oracle) total() int {
	const unknown = 1 << 62
	if total := o.final.Load(); total != 0 {
		return int(total)
	}
	for began := time.Now(); ; wait(context.Background(), 20*time.Millisecond) {
		var total int64
		err := o.pool.QueryRow(context.Background(), `SELECT sum(version) FROM versioned`).Scan(&total)
		if err == nil {
			o.final.Store(total)
			return int(total)
		}
		if !o.away || time.Since(began) > patience {
			o.t.Errorf("reading the table: %v", err)
			return unknown
		}
	}
}

// state is the snapshot that a witness starts anew from.
func (o *oracle) state(ctx context.Context, tx pgx.Tx, _ notifier.Question) (state json.RawMessage, err error) {
	err = tx.QueryRow(ctx, `SELECT json_agg(v) FROM versioned AS v`).Scan(&state)
	return state, err
}

// wait waits for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
