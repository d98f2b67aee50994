package notifier_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
)

// tableRules decide access by a table for each root topic, with the node's own pool. While the fault
// is there, other statements are executed for topics below bad1 and bad2.
type tableRules struct {
	pool  *pgxpool.Pool
	fault atomic.Pointer[rootFault]
}

// rootFault is what keeps the database from answering about a root.
type rootFault struct {
	name     string
	access   string // the statement that decides access; root stands for the table
	snapshot string // the statement that reads the state
	lock     bool   // the tables are locked
}

var healthyRoot = rootFault{access: `TABLE root`, snapshot: `SELECT json_agg(t) FROM root AS t`}

// rootFaults are the faults of one root topic that must leave the others alone.
func rootFaults() []rootFault {
	locked, slow, failing, slowState := healthyRoot, healthyRoot, healthyRoot, healthyRoot
	locked.name, locked.lock = "the access tables are locked", true
	slow.name, slow.access = "access queries are slow", `SELECT pg_sleep(3600)`
	failing.name, failing.access = "access queries fail", `SELECT 1/0`
	slowState.name, slowState.snapshot = "snapshot queries are slow", `SELECT '[]' FROM pg_sleep(3600)`
	return []rootFault{locked, slow, failing, slowState}
}

// statements returns those for a topic.
func (r *tableRules) statements(of topic.Topic) (access, snapshot, table string) {
	root := string(of.Root())
	now := &healthyRoot
	if fault := r.fault.Load(); fault != nil && root != "good" {
		now = fault
	}
	return now.access, now.snapshot, root
}

func (r *tableRules) Ask(ctx context.Context, questions []notifier.Question) ([]notifier.Grant, error) {
	access, _, table := r.statements(questions[0].Topic)
	_, err := r.pool.Exec(ctx, strings.ReplaceAll(access, "root", table))
	return make([]notifier.Grant, len(questions)), err
}

func (r *tableRules) State(ctx context.Context, tx pgx.Tx, q notifier.Question) (state json.RawMessage, truncated bool, err error) {
	_, snapshot, table := r.statements(q.Topic)
	err = tx.QueryRow(ctx, strings.ReplaceAll(snapshot, "root", table)).Scan(&state)
	return state, false, err
}

// TestAFaultOfRootTopicsHoldsUpThemAlone has two root topics whose access or state the database
// cannot tell, with more replays, subscribes and questions than there are places for any of them. On
// another topic a replay comes to its end, subscribes succeed and access is asked again, while all of
// those wait. Afterwards those get every event.
func TestAFaultOfRootTopicsHoldsUpThemAlone(t *testing.T) {
	t.Parallel()
	for _, fault := range rootFaults() {
		t.Run(fault.name, func(t *testing.T) {
			db := schematest.New(t, schematest.CoreOnly)
			db.Exec(t, `CREATE TABLE bad1 AS SELECT 1 AS allowed; CREATE TABLE bad2 AS TABLE bad1; CREATE TABLE good AS TABLE bad1`)
			b := openBadRoots(t, db)
			end := b.begin(fault)
			b.occupyEverything()

			replay := follow(t, b.node, notifier.Request{Since: b.start}, "good")
			if got := replay.data(100); !slices.Equal(got, numbers(1, 100)) {
				t.Errorf("the replay of another topic brought %v", got)
			}
			follow(t, b.node, notifier.Request{Snapshot: true}, "good")
			db.Exec(t, `SELECT rowcall.revalidate('good')`)
			replay.silent(db, "good")

			end()
			for _, r := range b.stuck {
				if got := r.data(100); !slices.Equal(got, numbers(1, 100)) {
					t.Errorf("after the fault a replay of %v brought %v", r.sub.Topics(), got)
				}
			}
		})
	}
}

// badRoots is a node with two root topics that a fault concerns.
type badRoots struct {
	t     *testing.T
	db    *schematest.Database
	rules *tableRules
	node  *node
	start string    // the cursor before 100 events of each root
	stuck []*reader // replays of the bad roots; 30 for each

	subscribing sync.WaitGroup
}

func openBadRoots(t *testing.T, db *schematest.Database) *badRoots {
	config := poolConfig(t, db.URL)
	direct := config.ConnConfig.Copy()
	config.MaxConns = 12
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	b := &badRoots{t: t, db: db, rules: &tableRules{pool: pool}}
	b.node = launchNodeOver(t, direct, dbconn.Over(pool), b.rules, notifier.Options{QueueEvents: 20, TailEvents: 1})
	b.node.await(t)
	b.start = follow(t, b.node, notifier.Request{}, "good").start.Cursor
	db.Exec(t, `SELECT rowcall.publish(root, 'test', to_json(i)) FROM generate_series(1, 100) AS i, unnest('{bad1,bad2,good}'::text[]) AS root`)
	for range 30 {
		for _, root := range []topic.Topic{"bad1", "bad2"} {
			r := follow(t, b.node, notifier.Request{Since: b.start}, root)
			first := r.event() // its replay has begun
			r.waiting = slices.Concat([]*notifier.Event{first}, r.waiting)
			b.stuck = append(b.stuck, r)
		}
	}
	return b
}

// begin begins the fault. end ends it, with all statements that it holds up.
func (b *badRoots) begin(fault rootFault) (end func()) {
	locking := b.db.Conn(b.t)
	execute := func(sql string) {
		if _, err := locking.Exec(context.WithoutCancel(b.t.Context()), sql); err != nil { // also in a cleanup
			b.t.Errorf("%s: %v", sql, err)
		}
	}
	if fault.lock {
		execute(`BEGIN; LOCK TABLE bad1, bad2 IN ACCESS EXCLUSIVE MODE`)
	}
	b.rules.fault.Store(&fault)
	end = sync.OnceFunc(func() {
		b.rules.fault.Store(nil)
		if fault.lock {
			execute(`ROLLBACK`)
		}
		execute(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()`)
		b.subscribing.Wait()
	})
	b.t.Cleanup(end)
	return end
}

// occupyEverything has replays, subscribes with and without a snapshot, and questions of the bad roots wait.
func (b *badRoots) occupyEverything() {
	for _, r := range b.stuck {
		taken, err := r.sub.Take(64) // which makes room for a page
		if err != nil {
			b.t.Fatal(err)
		}
		r.waiting = slices.Concat(r.waiting, taken.Events)
	}
	for i := range 40 {
		b.subscribing.Go(func() {
			root := []topic.Topic{"bad1", "bad2"}[i%2]
			_, err := tryFollow(b.t, b.node, notifier.Request{Snapshot: i%4 < 2}, root)
			if err != nil && !errors.Is(err, notifier.ErrUnavailable) {
				b.t.Errorf("following %s: %v", root, err)
			}
		})
	}
	b.db.Exec(b.t, `SELECT rowcall.revalidate('bad1'), rowcall.revalidate('bad2')`)
}

// TestASubscriptionThatFailsItsCallLeavesItsRootAlone has calls fail as a whole that ask about one
// of many topics of a root. The others are asked about without it, and go on.
func TestASubscriptionThatFailsItsCallLeavesItsRootAlone(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	var fails atomic.Bool
	ask := func(_ context.Context, questions []notifier.Question) ([]notifier.Grant, error) {
		bad := func(q notifier.Question) bool { return q.Topic == "room/3" }
		if fails.Load() && slices.ContainsFunc(questions, bad) {
			return nil, errors.New("division by zero")
		}
		return make([]notifier.Grant, len(questions)), nil
	}
	n := startNode(t, db.URL, openRules{ask: ask}, notifier.Options{})
	waits := follow(t, n, notifier.Request{}, "room/3")
	var others []*reader
	for _, room := range []topic.Topic{"room/1", "room/2", "room/4", "room/5"} {
		others = append(others, follow(t, n, notifier.Request{}, room))
	}
	fails.Store(true)
	db.Exec(t, `SELECT rowcall.revalidate('room')`)
	db.Exec(t, `SELECT rowcall.publish('room/' || i, 'test', to_json(i)) FROM generate_series(1, 5) AS i`)
	for _, r := range others {
		r.event()
	}
	db.Exec(t, `SELECT rowcall.revalidate('room')`)
	db.Exec(t, `SELECT rowcall.publish('room/' || i, 'test', to_json(i)) FROM generate_series(1, 5) AS i`)
	for _, r := range others {
		r.event()
	}
	if taken, err := waits.sub.Take(64); err != nil || len(taken.Events) > 0 {
		t.Errorf("room/3 received %v, %v before its access was answered", taken.Events, err)
	}
	fails.Store(false)
	if got := waits.data(2); !slices.Equal(got, []string{"3", "3"}) {
		t.Errorf("room/3 received %v, want 3 twice", got)
	}
}
