package notifier_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// TestRandomFaults has everything go wrong in a random order while writers write and witnesses move between two
// nodes: each of them ends with the table, having been told where it had to start anew.
func TestRandomFaults(t *testing.T) {
	t.Parallel()
	t.Logf("replay with -seed=%d -faults=%s", *seed, *faultsFor)
	db := schematest.Private(t, schematest.CoreOnly)
	o := newOracle(t, db)
	o.away, o.forgot = true, true
	g := &gremlin{oracle: o, choices: random(900)}
	for range 2 {
		g.places = append(g.places, g.place())
	}
	var writing, reading sync.WaitGroup
	ctx, stop := context.WithTimeout(t.Context(), 8*time.Second+*faultsFor)
	defer stop()
	o.writers(ctx, &writing)
	for i := range 6 {
		reading.Go(func() { o.witness(100+i, "", g.nodes).followAll() })
	}
	g.haunt(ctx)
	writing.Wait()
	close(o.done)
	reading.Wait()
	t.Logf("%v; %d events, %d moves between nodes, %d resets", g.done, o.events.Load(), o.moves.Load(), o.resets.Load())
}

// place is a node with the lines that lead from it to PostgreSQL.
type place struct {
	direct, pool       *line
	directURL, poolURL string
	node               *node
}

// gremlin makes faults, one after the other.
type gremlin struct {
	*oracle
	choices *rand.Rand
	done    map[string]int // what it has done how often

	mu     sync.Mutex // guards places
	places []*place
}

func (g *gremlin) place() *place {
	p := &place{}
	p.direct, p.directURL = newLine(g.t, g.db.URL)
	p.pool, p.poolURL = newLine(g.t, g.db.URL)
	g.start(p)
	return p
}

func (g *gremlin) start(p *place) {
	options := notifier.Options{QueueEvents: 100, TailEvents: 300, ReplayEvents: 10_000_000, Sweep: 300 * time.Millisecond}
	n := launchNode(g.t, poolConfig(g.t, p.directURL).ConnConfig, poolConfig(g.t, p.poolURL), openRules{state: g.state}, options)
	g.mu.Lock()
	p.node = n
	g.mu.Unlock()
}

// nodes are those that run.
func (g *gremlin) nodes() []*node {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []*node
	for _, p := range g.places {
		all = append(all, p.node)
	}
	return all
}

// haunt makes faults until ctx ends, and leaves everything whole.
func (g *gremlin) haunt(ctx context.Context) {
	g.done = make(map[string]int)
	faults := g.faults()
	for ctx.Err() == nil {
		wait(ctx, time.Duration(g.choices.IntN(800))*time.Millisecond)
		f := faults[g.choices.IntN(len(faults))]
		f.do(ctx, g.places[g.choices.IntN(len(g.places))])
		g.done[f.name]++
	}
}

type fault struct {
	name string
	do   func(ctx context.Context, p *place)
}

// faults are all it knows to do. None of them needs to succeed.
func (g *gremlin) faults() []fault {
	return []fault{
		{"listener terminated", func(context.Context, *place) { g.try(terminateSQL, "rowcall listener") }},
		{"poller terminated", func(context.Context, *place) { g.try(terminateSQL, "rowcall poller") }},
		{"all terminated", func(context.Context, *place) {
			g.try(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()`)
		}},
		{"direct line cut", func(ctx context.Context, p *place) { g.cut(ctx, p.direct) }},
		{"pool's line cut", func(ctx context.Context, p *place) { g.cut(ctx, p.pool) }},
		{"half-open listener", func(ctx context.Context, p *place) { g.silence(ctx, p.direct, "rowcall listener") }},
		{"half-open poller", func(ctx context.Context, p *place) { g.silence(ctx, p.direct, "rowcall poller") }},
		{"half-open pool", func(ctx context.Context, p *place) { g.silence(ctx, p.pool, "") }},
		{"rotation", func(ctx context.Context, _ *place) { g.rotations(1 + g.choices.IntN(4)) }},
		{"gate flipped", func(context.Context, *place) { g.try(`SELECT rowcall.flip_gate(rowcall.gate_generation())`) }},
		{"gate flipped in silence", func(context.Context, *place) { g.try(flipInSilence) }},
		{"new epoch", func(context.Context, *place) { g.try(`SELECT rowcall.new_epoch()`) }},
		{"long transaction", g.longTransaction},
		{"prepared transaction", g.preparedTransaction},
		{"node ended", func(_ context.Context, p *place) { p.node.stop(); g.start(p) }},
		{"PostgreSQL restarted", func(context.Context, *place) { g.db.Stop(g.t); g.db.Start(g.t) }},
		{"PostgreSQL killed", func(context.Context, *place) { g.db.Kill(g.t); g.db.Start(g.t) }},
	}
}

const terminateSQL = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()`

// try runs a statement that may fail: the database may be away.
func (g *gremlin) try(sql string, args ...any) bool {
	_, err := g.pool.Exec(context.Background(), sql, args...)
	return err == nil
}

func (g *gremlin) cut(ctx context.Context, l *line) {
	l.down()
	wait(ctx, time.Duration(g.choices.IntN(1000))*time.Millisecond)
	l.up()
}

func (g *gremlin) silence(ctx context.Context, l *line, application string) {
	l.silence(application)
	wait(ctx, time.Duration(g.choices.IntN(3000))*time.Millisecond)
	l.restore()
}

func (g *gremlin) rotations(times int) {
	for range times {
		for range 100 {
			if g.try(`SELECT rowcall.empty_next_slot()`) {
				g.try(`SELECT rowcall.advance_slot()`)
				break
			}
		}
	}
}

// longTransaction files its event early and commits late, if at all.
func (g *gremlin) longTransaction(ctx context.Context, p *place) {
	tx, err := g.pool.Begin(context.Background())
	if err != nil {
		return
	}
	if err := bump(context.Background(), tx, g.choices); err == nil {
		g.cut(ctx, p.pool)
	}
	if tx.Commit(context.Background()) != nil {
		_ = tx.Rollback(context.Background()) // either may fail: the connection may be gone
	}
}

// preparedTransaction leaves one behind for a while. It cannot be prepared where writers ring.
func (g *gremlin) preparedTransaction(ctx context.Context, p *place) {
	conn, err := g.pool.Acquire(context.Background())
	if err != nil {
		return
	}
	defer conn.Release()
	_, err = conn.Exec(context.Background(), `BEGIN; UPDATE versioned SET version = version + 1 WHERE id = 7; PREPARE TRANSACTION 'left'`)
	if err != nil {
		_, _ = conn.Exec(context.Background(), `ROLLBACK`)
		return
	}
	g.cut(ctx, p.direct)
	eventually(g.t, "the prepared transaction is committed", func() bool { return g.try(`COMMIT PREPARED 'left'`) })
}
