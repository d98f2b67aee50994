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

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

var stressFor = flag.Duration("stress", 10*time.Second, "how long the stress test writes")

const stressReaders = 12

const clubSchema = `
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
	*oracle
	nodes  []*node
	rounds [5]atomic.Int64 // a user each: the last round in which he is about to be let in again
}

func TestStressNothingLostDoubledMixedUpOrLeaked(t *testing.T) {
	t.Logf("replay with -seed=%d -stress=%s", *seed, *stressFor)
	db := schematest.New(t, schematest.CoreOnly)
	s := &stress{oracle: newOracle(t, db)}
	db.Exec(t, clubSchema)
	rules := openRules{ask: s.ask}
	quiet := notifier.Options{QueueEvents: 200, TailEvents: 500, ReplayEvents: 10_000_000}
	small := notifier.Options{QueueEvents: 40, TailEvents: 30, ReplayEvents: 10_000_000}
	s.nodes = []*node{startNode(t, db.URL, rules, quiet), startNode(t, db.URL, rules, small)}

	start := s.cursor()
	ctx, cancel := context.WithTimeout(t.Context(), *stressFor)
	defer cancel()
	var writing, reading sync.WaitGroup
	for i := range stressReaders {
		reading.Go(func() { s.witness(100+i, start, func() []*node { return s.nodes }).followAll() })
	}
	for i := range 4 {
		reading.Go(func() { s.member(random(200+i), fmt.Sprint(i+1)) })
		writing.Go(func() { s.toggle(ctx, random(300+i), i+1) })
	}
	s.writers(ctx, &writing)
	writing.Go(func() { s.flip(ctx, random(400)) })
	writing.Go(func() { s.cut(ctx, random(500)) })
	writing.Wait()
	close(s.done)
	reading.Wait()
	t.Logf("%d events, %d moves between nodes", s.events.Load(), s.moves.Load())
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

// flip turns the gate over behind the nodes' backs; every other time no ring says so, as if the
// flipper had died.
func (s *stress) flip(ctx context.Context, random *rand.Rand) {
	flips := 0
	for ctx.Err() == nil {
		sql := flipInSilence
		if random.IntN(2) == 0 {
			sql = `SELECT rowcall.flip_gate(rowcall.gate_generation())`
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
