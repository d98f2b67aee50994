package notifier_test

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// describing makes a pool's connections do without named statements, which a pooler mixes up.
const describing = "&default_query_exec_mode=cache_describe"

// TestAPoolerInBetweenIsFoundOutAndPolledThrough has a transaction pooler swallow the rings: the node says so and
// polls, nothing is lost, and retention goes on.
func TestAPoolerInBetweenIsFoundOutAndPolledThrough(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.CoreOnly) // whose other databases' transactions do not go by such short times
	url := schematest.StartPooler(t, db.URL, schematest.Pooler{Mode: "transaction"})
	var words said
	o := notifier.Options{
		TailEvents: 1, QueueEvents: 20, Keep: time.Second, Retain: 10 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(&words, nil)),
	}
	n := launchNode(t, poolConfig(t, url).ConnConfig, poolConfig(t, url+describing), openRules{}, o)
	n.await(t)
	r := follow(t, n, notifier.Request{}, "room")
	next := 1
	more := func() {
		db.Exec(t, `SELECT rowcall.publish('room/1', 'test', to_json(i)) FROM generate_series($1::int, $1::int + 49) AS i`, next)
		if got := r.data(50); !slices.Equal(got, numbers(next, next+49)) {
			t.Fatalf("events %v", got)
		}
		next += 50
	}
	eventually(t, "the node says that rings do not arrive", func() bool { more(); return words.contain("rings do not arrive") })
	eventually(t, "nobody rings", func() bool { more(); return !n.Health().Ringing })
	eventually(t, "slots are emptied, one after the other", func() bool {
		more()
		return countOf(t, db, `SELECT rowcall.slot_rotations()`) >= 6
	})
	if n.Health().Err != nil || !words.contain("there is a pooler") {
		t.Errorf("the node is in health %v and has said %s", n.Health().Err, words.text())
	}
	more()
	r.silent(db, "room/1")
}

// TestAPoolThroughAPoolerServesReplays has only the pool go through the pooler, as is recommended.
func TestAPoolThroughAPoolerServesReplays(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	url := schematest.StartPooler(t, db.URL, schematest.Pooler{Mode: "transaction"})
	n := launchNode(t, poolConfig(t, db.URL).ConnConfig, poolConfig(t, url+describing), openRules{}, notifier.Options{TailEvents: 1, QueueEvents: 20})
	n.await(t)
	r := follow(t, n, notifier.Request{}, "room")
	db.Exec(t, `SELECT rowcall.publish('room/1', 'test', to_json(i)) FROM generate_series(1, 200) AS i`)
	if got := r.data(200); !slices.Equal(got, numbers(1, 200)) {
		t.Errorf("events %v", got)
	}
	again := follow(t, n, notifier.Request{Since: r.start.Cursor}, "room")
	if got := again.data(200); !slices.Equal(got, numbers(1, 200)) {
		t.Errorf("replayed %v", got)
	}
	armed(t, n)
	r.silent(db, "room/1")
}

// said collects what a node logs.
type said struct {
	mu    sync.Mutex // guards words
	words strings.Builder
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.words.Write(p)
}

func (s *said) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.words.String()
}

func (s *said) contain(text string) bool { return strings.Contains(s.text(), text) }
