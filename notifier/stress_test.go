package notifier_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
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

// The oracle is a table with a version column that each update increments. A complete reader sees
// the versions 1..n of each row, in order, once each, and ends at the table's value.

var (
	stressFor  = flag.Duration("stress", 10*time.Second, "how long the stress test writes")
	stressSeed = flag.Uint64("seed", rand.Uint64(), "seed of the stress test's choices")
)

const (
	stressRows    = 400
	stressWriters = 16
	stressReaders = 12
)

const stressSchema = `
CREATE TABLE versioned (id int PRIMARY KEY, version int NOT NULL DEFAULT 0);
INSERT INTO versioned SELECT i FROM generate_series(1, 400) AS i;
CREATE FUNCTION versioned_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM rowcall.publish('rows/' || NEW.id, 'version', json_build_object('id', NEW.id, 'version', NEW.version));
	RETURN NULL;
END $$;
CREATE TRIGGER "0_versioned" AFTER UPDATE ON versioned FOR EACH ROW EXECUTE FUNCTION versioned_change();
CREATE TABLE members (user_id text PRIMARY KEY);
INSERT INTO members SELECT i::text FROM generate_series(1, 4) AS i;
CREATE FUNCTION members_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM rowcall.revalidate('club', coalesce(NEW.user_id, OLD.user_id));
	RETURN NULL;
END $$;
CREATE TRIGGER "0_members" AFTER INSERT OR DELETE ON members FOR EACH ROW EXECUTE FUNCTION members_change();`

// stress is one run: nodes, writers, and what went wrong.
type stress struct {
	t      *testing.T
	db     *schematest.Database
	pool   *pgxpool.Pool
	nodes  []*node
	done   chan struct{} // closed when the writers have stopped
	events atomic.Int64
	moves  atomic.Int64
	rounds [5]atomic.Int64 // a user each: the last round in which he is about to be let in again
}

func TestStressNothingLostDoubledMixedUpOrLeaked(t *testing.T) {
	t.Logf("replay with -seed=%d -stress=%s", *stressSeed, *stressFor)
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, stressSchema)
	s := &stress{t: t, db: db, pool: widePool(t, db.URL), done: make(chan struct{})}
	rules := openRules{ask: s.ask}
	quiet := notifier.Options{QueueEvents: 200, TailEvents: 500, ReplayEvents: 10_000_000}
	small := notifier.Options{QueueEvents: 40, TailEvents: 30, ReplayEvents: 10_000_000}
	s.nodes = []*node{startNode(t, db.URL, rules, quiet), startNode(t, db.URL, rules, small)}

	var start string
	if err := s.pool.QueryRow(t.Context(), `SELECT rowcall.cursor()`).Scan(&start); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), *stressFor)
	defer cancel()
	var writing, reading sync.WaitGroup
	for i := range stressReaders {
		reading.Go(func() { s.move(s.rand(100+i), start) })
	}
	for i := range 4 {
		reading.Go(func() { s.member(s.rand(200+i), fmt.Sprint(i+1)) })
		writing.Go(func() { s.toggle(ctx, s.rand(300+i), i+1) })
	}
	for i := range stressWriters {
		writing.Go(func() { s.write(ctx, s.rand(i)) })
	}
	writing.Go(func() { s.flip(ctx, s.rand(400)) })
	writing.Go(func() { s.cut(ctx, s.rand(500)) })
	writing.Wait()
	close(s.done)
	reading.Wait()
	t.Logf("%d events, %d moves between nodes", s.events.Load(), s.moves.Load())
}

// widePool has a connection for each writer.
func widePool(t *testing.T, url string) *pgxpool.Pool {
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

func (s *stress) rand(stream int) *rand.Rand {
	return rand.New(rand.NewPCG(*stressSeed, uint64(stream)))
}

// ask is real access: who is no member may not follow the club.
func (s *stress) ask(ctx context.Context, questions []notifier.Question) ([]notifier.Grant, error) {
	rows, err := s.pool.Query(ctx, `SELECT user_id FROM members`)
	if err != nil {
		return nil, err
	}
	members, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	in := make(map[string]bool)
	for _, m := range members {
		in[m] = true
	}
	grants := make([]notifier.Grant, len(questions))
	for i, q := range questions {
		if q.Topic == "club" && !in[q.Follower.User] {
			grants[i].Err = notifier.ErrForbidden
		}
	}
	return grants, nil
}

var levels = []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable}

// write updates rows in transactions of all kinds; some roll back, as a whole or to a savepoint.
func (s *stress) write(ctx context.Context, random *rand.Rand) {
	for ctx.Err() == nil {
		err := pgx.BeginTxFunc(context.WithoutCancel(ctx), s.pool, pgx.TxOptions{IsoLevel: levels[random.IntN(3)]}, func(tx pgx.Tx) error {
			return s.transaction(tx, random)
		})
		if err != nil && !errors.Is(err, errRolledBack) && !concurrent(err) {
			s.t.Errorf("writing: %v", err)
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

func (s *stress) transaction(tx pgx.Tx, random *rand.Rand) error {
	ctx := context.Background()
	for range 1 + random.IntN(3) {
		if err := bump(ctx, tx, random); err != nil {
			return err
		}
		if random.IntN(4) == 0 {
			if err := s.savepoint(ctx, tx, random); err != nil {
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

func (s *stress) savepoint(ctx context.Context, tx pgx.Tx, random *rand.Rand) error {
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
	from := 1 + random.IntN(stressRows)
	_, err := tx.Exec(ctx, `UPDATE versioned SET version = version + 1 WHERE id BETWEEN $1 AND $2`, from, from+random.IntN(3))
	return err
}

// flip turns the gate over behind the nodes' backs; every other time no ring says so, as if the
// flipper had died.
func (s *stress) flip(ctx context.Context, random *rand.Rand) {
	flips := 0
	for ctx.Err() == nil {
		sql := `SELECT nextval('rowcall.gate')`
		if random.IntN(2) == 0 {
			sql = `SELECT pg_notify('rowcall', json_build_object('gate', nextval('rowcall.gate'))::text)`
		}
		if _, err := s.pool.Exec(context.WithoutCancel(ctx), sql); err != nil && !concurrent(err) {
			s.t.Errorf("flipping: %v", err)
			return
		}
		flips++
		wait(ctx, time.Duration(random.IntN(60))*time.Millisecond)
	}
	s.t.Logf("%d flips", flips)
}

// cut ends the nodes' own connections.
func (s *stress) cut(ctx context.Context, random *rand.Rand) {
	cuts := 0
	for ctx.Err() == nil {
		wait(ctx, time.Duration(300+random.IntN(700))*time.Millisecond)
		name := []string{"rowcall listener", "rowcall poller"}[random.IntN(2)]
		var n int
		err := s.pool.QueryRow(context.WithoutCancel(ctx), `SELECT count(pg_terminate_backend(pid)) FROM (
			SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database() LIMIT 1) AS one`, name).Scan(&n)
		if err != nil {
			s.t.Errorf("cutting: %v", err)
			return
		}
		cuts += n
	}
	s.t.Logf("%d connections cut", cuts)
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

type version struct{ ID, Version int }

// move follows all rows from one cursor on, now on this node and now on that, and checks each
// row's versions.
func (s *stress) move(random *rand.Rand, since string) {
	seen := make(map[int]int)
	finishing := false
	for {
		r, err := tryFollow(s.t, s.nodes[random.IntN(len(s.nodes))], notifier.Request{Since: since}, "rows")
		if err != nil {
			s.t.Errorf("following: %v", err)
			return
		}
		if !r.start.Recovered {
			s.t.Errorf("a cursor was of no use: %+v", r.start)
			return
		}
		s.moves.Add(1)
		stay := time.After(time.Duration(1+random.IntN(300)) * time.Millisecond)
		if finishing {
			stay = time.After(patience)
		}
		complete, ok := s.read(r, seen, &since, random.IntN(400), stay, finishing)
		r.sub.Close()
		if complete || !ok {
			return
		}
		select {
		case <-s.done:
			finishing = true
		default:
		}
	}
}

// read takes events until it has had enough, or, finishing, until it has reached the table.
func (s *stress) read(r *reader, seen map[int]int, since *string, enough int, stay <-chan time.Time, finishing bool) (complete, ok bool) {
	for n := 0; finishing || n < enough; n++ {
		if finishing && s.reached(seen) {
			return true, true
		}
		e, reset, err := r.take(stay)
		if errors.Is(err, context.DeadlineExceeded) && !finishing {
			return false, true
		}
		if err != nil || reset != nil {
			s.t.Errorf("it ended: reset %v, %v; seen %v", reset, err, seen)
			return false, false
		}
		var v version
		if err := json.Unmarshal(e.Data, &v); err != nil || v.Version != seen[v.ID]+1 {
			s.t.Errorf("row %d: version %d (event %d) after %d, %v", v.ID, v.Version, e.ID, seen[v.ID], err)
			return false, false
		}
		seen[v.ID] = v.Version
		s.events.Add(1)
		if e.Cursor() != "" {
			*since = e.Cursor()
		}
	}
	return false, true
}

// reached reports whether a reader has seen the last version of every row.
func (s *stress) reached(seen map[int]int) bool {
	var total, sum int
	for _, v := range seen {
		sum += v
	}
	if err := s.pool.QueryRow(context.Background(), `SELECT sum(version) FROM versioned`).Scan(&total); err != nil {
		s.t.Errorf("reading the table: %v", err)
	}
	return sum >= total
}

// secret is what is written while a member is out.
type secret struct {
	User, Round int
	Out         bool
}

// toggle removes a member, writes what he must not see, and lets him in again.
func (s *stress) toggle(ctx context.Context, random *rand.Rand, user int) {
	for round := int64(1); ctx.Err() == nil; round++ {
		ctx := context.WithoutCancel(ctx)
		s.exec(ctx, `DELETE FROM members WHERE user_id = $1::int::text`, user)
		s.exec(ctx, `SELECT rowcall.publish('club', 'test', json_build_object('user', $1::int, 'round', $2::int, 'out', true))`, user, round)
		wait(ctx, time.Duration(random.IntN(20))*time.Millisecond)
		s.rounds[user].Store(round)
		s.exec(ctx, `INSERT INTO members VALUES ($1::int::text)`, user)
		s.exec(ctx, `SELECT rowcall.publish('club', 'test', json_build_object('user', $1::int, 'round', $2::int, 'out', false))`, user, round)
		wait(ctx, time.Duration(random.IntN(40))*time.Millisecond)
	}
}

func (s *stress) exec(ctx context.Context, sql string, args ...any) {
	if _, err := s.pool.Exec(ctx, sql, args...); err != nil {
		s.t.Errorf("%s: %v", sql, err)
	}
}

// member follows the club as a user who is thrown out again and again, from his last cursor where he
// has one. What was written while he was out must not come before he is let in again.
func (s *stress) member(random *rand.Rand, user string) {
	since, in, thrown := "", 0, 0
	defer func() { s.t.Logf("member %s: %d events, thrown out %d times", user, in, thrown) }()
	for {
		select {
		case <-s.done:
			return
		default:
		}
		r, err := tryFollow(s.t, s.nodes[random.IntN(len(s.nodes))], notifier.Request{Since: since, Follower: notifier.Follower{User: user}}, "club")
		if errors.Is(err, notifier.ErrForbidden) {
			continue
		}
		if err != nil {
			s.t.Errorf("following the club: %v", err)
			return
		}
		n, err := s.listen(r, user, &since)
		in += n
		r.sub.Close()
		if errors.Is(err, notifier.ErrForbidden) {
			thrown++
		} else if !errors.Is(err, context.DeadlineExceeded) {
			s.t.Errorf("member %s: %v", user, err)
			return
		}
	}
}

func (s *stress) listen(r *reader, user string, since *string) (n int, err error) {
	stay := time.After(500 * time.Millisecond)
	for {
		e, _, err := r.take(stay)
		if err != nil {
			return n, err
		}
		var told secret
		if err := json.Unmarshal(e.Data, &told); err != nil {
			return n, err
		}
		if told.Out && fmt.Sprint(told.User) == user && s.rounds[told.User].Load() < int64(told.Round) {
			return n, fmt.Errorf("leaked: round %d, written while out", told.Round)
		}
		n++
		*since = e.Cursor()
	}
}
