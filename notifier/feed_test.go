package notifier_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// TestMain forgives the proxy of the fault tests: what it has for a connection that one side has left stays where
// it is.
//
// Most of the parallel tests wait for a fault to be found, and not for a processor.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	schematest.Main(m,
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"))
}

// patience is how long a test waits for what must happen. It is no measure of speed.
var patience = testdeadline.Hang()

// openRules let everybody follow everything; a test replaces what it is about.
type openRules struct {
	ask   func(ctx context.Context, questions []notifier.Question) ([]notifier.Grant, error)
	state func(ctx context.Context, tx pgx.Tx, q notifier.Question) (json.RawMessage, error)
}

func (r openRules) Ask(ctx context.Context, questions []notifier.Question) ([]notifier.Grant, error) {
	if r.ask != nil {
		return r.ask(ctx, questions)
	}
	return make([]notifier.Grant, len(questions)), nil
}

func (r openRules) State(ctx context.Context, tx pgx.Tx, q notifier.Question) (state json.RawMessage, truncated bool, err error) {
	if r.state == nil {
		return nil, false, notifier.ErrNoSnapshot
	}
	state, err = r.state(ctx, tx, q)
	return state, false, err
}

// node is a feed at work on a database.
type node struct {
	*notifier.Feed
	stop func()
}

func startNode(t testing.TB, url string, rules notifier.Rules, o notifier.Options) *node {
	t.Helper()
	return startNodeWith(t, url, rules, o, func(*pgxpool.Config) {})
}

// startNodeWith is startNode with a say in how the node's pool connects.
func startNodeWith(t testing.TB, url string, rules notifier.Rules, o notifier.Options, adjust func(*pgxpool.Config)) *node {
	t.Helper()
	pool := poolConfig(t, url)
	direct := pool.ConnConfig.Copy()
	adjust(pool)
	n := launchNode(t, direct, pool, rules, o)
	n.await(t)
	return n
}

func poolConfig(t testing.TB, url string) *pgxpool.Config {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// launchNode starts a node without waiting until it is ready.
func launchNode(t testing.TB, direct *pgx.ConnConfig, config *pgxpool.Config, rules notifier.Rules, o notifier.Options) *node {
	t.Helper()
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return launchNodeOver(t, direct, dbconn.Over(pool), rules, o)
}

// launchNodeOver starts a node that closes its pool when it stops.
func launchNodeOver(t testing.TB, direct *pgx.ConnConfig, pool *dbconn.Pool, rules notifier.Rules, o notifier.Options) *node {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	feed := notifier.New(dbconn.To(direct, dbconn.Direct), pool, rules, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- feed.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the feed ended: %v", err)
		}
		pool.Close()
	})
	t.Cleanup(stop)
	return &node{feed, stop}
}

// await waits until the node is ready.
func (n *node) await(t testing.TB) {
	t.Helper()
	select {
	case <-n.Ready():
	case <-time.After(patience):
		t.Fatalf("the feed is not ready: %+v", n.Health())
	}
}

// reader follows topics and takes one event at a time.
type reader struct {
	t       testing.TB
	sub     *notifier.Subscription
	start   notifier.Start
	woken   chan struct{}
	waiting []*notifier.Event
}

func follow(t testing.TB, n *node, r notifier.Request, topics ...topic.Topic) *reader {
	t.Helper()
	got, err := tryFollow(t, n, r, topics...)
	if err != nil {
		t.Fatalf("following %v: %v", topics, err)
	}
	return got
}

func tryFollow(t testing.TB, n *node, r notifier.Request, topics ...topic.Topic) (*reader, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	got := &reader{t: t, woken: make(chan struct{}, 1)}
	r.Topics = topics
	r.Wake = func() {
		select {
		case got.woken <- struct{}{}:
		default:
		}
	}
	var err error
	got.sub, got.start, err = n.Subscribe(ctx, r)
	if err == nil {
		t.Cleanup(got.sub.Close)
	}
	return got, err
}

// take waits for what comes next: an event, a reset or the end.
func (r *reader) take(deadline <-chan time.Time) (*notifier.Event, *notifier.Reset, error) {
	for len(r.waiting) == 0 {
		taken, err := r.sub.Take(64)
		if err != nil || taken.Reset != nil {
			return nil, taken.Reset, err
		}
		if r.waiting = taken.Events; len(r.waiting) > 0 {
			break
		}
		select {
		case <-r.woken:
		case <-deadline:
			return nil, nil, context.DeadlineExceeded
		}
	}
	e := r.waiting[0]
	r.waiting = r.waiting[1:]
	return e, nil, nil
}

func (r *reader) event() *notifier.Event {
	r.t.Helper()
	var deadline <-chan time.Time
	if len(r.waiting) == 0 { // a timer for each of many events would be most of the work
		deadline = time.After(patience)
	}
	e, reset, err := r.take(deadline)
	if err != nil || reset != nil {
		r.t.Fatalf("no event: reset %v, %v", reset, err)
	}
	return e
}

// data reads n events and returns their data.
func (r *reader) data(n int) []string {
	r.t.Helper()
	all := make([]string, n)
	for i := range all {
		all[i] = string(r.event().Data)
	}
	return all
}

// silent publishes a mark and makes sure that it is the next thing to come.
func (r *reader) silent(db *schematest.Database, topic topic.Topic) {
	r.t.Helper()
	mark := fmt.Sprintf(`"mark %d"`, time.Now().UnixNano())
	publish(r.t, db, topic, mark)
	if e := r.event(); string(e.Data) != mark {
		r.t.Fatalf("%s %s came, where nothing should have", e.Topic, e.Data)
	}
}

func publish(t testing.TB, db *schematest.Database, topic topic.Topic, data string) {
	t.Helper()
	db.Exec(t, `SELECT rowcall.publish($1, 'test', $2::text::json)`, string(topic), data)
}

func numbers(from, to int) []string {
	var all []string
	for i := from; i <= to; i++ {
		all = append(all, fmt.Sprint(i))
	}
	return all
}
