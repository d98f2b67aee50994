package access

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/api/identity"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// queriesOf counts the statements that contain a text.
type queriesOf struct {
	text string
	n    atomic.Int64
}

func (q *queriesOf) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if strings.Contains(data.SQL, q.text) {
		q.n.Add(1)
	}
	return ctx
}

func (q *queriesOf) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// Two thousand members follow a room. One is removed, and an access event names the whole room: one
// statement asks about all followers, and only the removed member loses the subscription.
func TestALargeRoomIsAskedAboutOnce(t *testing.T) {
	const members, first = 2000, 1001
	db := schematest.New(t, schematest.Samples)
	db.Exec(t, `INSERT INTO users (id, username, first_name, last_name, password) SELECT $1::int + n, 'member' || n, 'a', 'b', '!' FROM generate_series(0, $2::int - 1) AS n`, first, members)
	db.Exec(t, `INSERT INTO chat_room_members (room_id, user_id) SELECT 1, $1::int + n FROM generate_series(0, $2::int - 1) AS n`, first, members)
	asked := &queriesOf{text: "chat_room_members"}
	feed := feedWith(t, db, asked)
	subs := make([]*notifier.Subscription, members)
	inTurns(members, func(i int) { subs[i] = followRoom(t, feed, strconv.Itoa(first+i)) })
	if t.Failed() {
		t.FailNow()
	}
	asked.n.Store(0)
	db.Exec(t, `WITH gone AS (DELETE FROM chat_room_members WHERE room_id = 1 AND user_id = $1) SELECT rowcall.revalidate('room/1')`, first)
	db.Exec(t, `SELECT rowcall.publish('room/1', 'test', '1')`)
	inTurns(members, func(i int) {
		var err error
		apitest.WaitFor(t, "the answer for everybody", func() bool {
			var taken notifier.Taken
			taken, err = subs[i].Take(1)
			return err != nil || len(taken.Events) > 0 && taken.Events[0].Type == "test"
		})
		if (err != nil) != (i == 0) {
			t.Errorf("member %d: got %v, want an error for the first member alone", first+i, err)
		}
	})
	if n := asked.n.Load(); n != 1 {
		t.Errorf("statements that ask access: got %d, want 1", n)
	}
}

// feedWith runs a feed with the seeds' rules. The tracer sees the statements of its pool.
func feedWith(t *testing.T, db *schematest.Database, tracer pgx.QueryTracer) *notifier.Feed {
	t.Helper()
	config, err := pgxpool.ParseConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	direct := config.ConnConfig.Copy()
	config.ConnConfig.Tracer = tracer
	config.MaxConns = 20
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	accounts, err := identity.New(t.Context(), dbconn.Over(pool), doortest.Open(t, door.Options{}), identity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := Compile(t.Context(), dbconn.Over(pool), accounts, apitest.SeedTopics())
	if err != nil {
		t.Fatal(err)
	}
	feed := notifier.New(dbconn.To(direct, dbconn.Direct), dbconn.Over(pool), compiled, notifier.Options{})
	apitest.RunUntilEnd(t, feed.Run)
	<-feed.Ready()
	return feed
}

// followRoom follows room 1 as a user who came with a bearer token.
func followRoom(t *testing.T, feed *notifier.Feed, user string) *notifier.Subscription {
	ctx, cancel := context.WithTimeout(context.Background(), 4*testdeadline.Hang())
	defer cancel()
	sub, _, err := feed.Subscribe(ctx, notifier.Request{Topics: []topic.Topic{"room/1"}, Follower: notifier.Follower{User: user}, Wake: func() {}})
	if err != nil {
		t.Errorf("user %s: %v", user, err)
		return nil
	}
	t.Cleanup(sub.Close)
	return sub
}

// inTurns calls do for each number below n, a hundred at a time.
func inTurns(n int, do func(i int)) {
	var doing sync.WaitGroup
	turns := make(chan struct{}, 100)
	for i := range n {
		turns <- struct{}{}
		doing.Go(func() { do(i); <-turns })
	}
	doing.Wait()
}
