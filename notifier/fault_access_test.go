package notifier_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// The order in which the database is asked is a promise: first what bounds the events, then access, then they are
// handed on. These tests get in between.

const doorSchema = `
CREATE TABLE guests (user_id text PRIMARY KEY);
INSERT INTO guests VALUES ('7');
CREATE TABLE notes (note text);
CREATE FUNCTION note(text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO notes VALUES ($1);
	SELECT rowcall.publish('room/1', 'test', to_json($1));
$$;
CREATE FUNCTION throw_out() RETURNS void LANGUAGE sql AS $$
	DELETE FROM guests;
	SELECT rowcall.revalidate('room/1', '7');
$$;`

// door is access by a table, with somebody who acts right after it was asked.
type door struct {
	pool  *pgxpool.Pool
	asked func() // called when the answer is known and not given yet
}

var _ notifier.Rules = door{}

func (d door) Ask(ctx context.Context, questions []notifier.Question) ([]notifier.Grant, error) {
	rows, err := d.pool.Query(ctx, `SELECT user_id FROM guests`)
	if err != nil {
		return nil, err
	}
	guests, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	d.asked()
	grants := make([]notifier.Grant, len(questions))
	for i, q := range questions {
		if q.Follower.User != "" && !slices.Contains(guests, q.Follower.User) {
			grants[i].Err = notifier.ErrForbidden
		}
	}
	return grants, nil
}

func (d door) State(ctx context.Context, tx pgx.Tx, _ notifier.Question) (state json.RawMessage, truncated bool, err error) {
	err = tx.QueryRow(ctx, `SELECT coalesce(json_agg(note), '[]') FROM notes`).Scan(&state)
	return state, false, err
}

// guest is the follower whom doorSchema lets in.
func guest(r notifier.Request) notifier.Request {
	r.Follower = notifier.Follower{User: "7"}
	return r
}

// TestAStateIsNotToldToWhoWasThrownOutBeforeIt throws a guest out and writes a secret after he was let in and
// before the state is read. Whoever does not wait for the answers after that tells him.
func TestAStateIsNotToldToWhoWasThrownOutBeforeIt(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, doorSchema)
	var thrown atomic.Bool
	n, _, states := spiedNode(t, db.URL, door{db.Pool(t), func() {
		if thrown.Load() {
			wait(context.Background(), 500*time.Millisecond)
		}
	}}, notifier.Options{})
	states.once(stateText, func() {
		thrown.Store(true)
		db.Exec(t, `SELECT throw_out()`)
		db.Exec(t, `SELECT note('secret')`)
	})
	r, err := tryFollow(t, n, guest(notifier.Request{Snapshot: true}), "room/1")
	if !errors.Is(err, notifier.ErrForbidden) {
		t.Errorf("he was told %s, %v", r.start.State, err)
	}
}

// TestAccessIsAskedAfterWhatBoundsTheEvents counts what the node has read when it asks: a poll that began after
// the request, then a page more each time.
func TestAccessIsAskedAfterWhatBoundsTheEvents(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, doorSchema)
	var asking atomic.Bool
	var pagesRead, pollsRead []int // when access was asked
	var polls, pages *spy
	rules := door{db.Pool(t), func() {
		if asking.Load() {
			pollsRead, pagesRead = append(pollsRead, polls.counted()), append(pagesRead, pages.counted())
		}
	}}
	n, polls, pages := spiedNode(t, db.URL, rules, notifier.Options{TailEvents: 1, QueueEvents: 20, Sweep: never})
	r := follow(t, n, guest(notifier.Request{}), "room")
	count(t, db, "room/1", 1, 50)
	r.data(50)
	armed(t, n)
	polls.count(pollText)
	pages.count(longPageText)
	asking.Store(true)
	again := follow(t, n, guest(notifier.Request{Since: r.start.Cursor}), "room")
	if got := again.data(50); !slices.Equal(got, numbers(1, 50)) {
		t.Fatalf("events %v", got)
	}
	asking.Store(false)
	if len(pollsRead) < 3 || pollsRead[0] == 0 {
		t.Fatalf("access was asked after %v polls", pollsRead)
	}
	for i, n := range pagesRead {
		if n != i {
			t.Fatalf("access was asked after %v pages", pagesRead)
		}
	}
}

// TestAReplayStopsWhenItsReaderIsThrownOut throws a guest out in the middle of a long replay.
func TestAReplayStopsWhenItsReaderIsThrownOut(t *testing.T) {
	t.Parallel()
	const events = 2000
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, doorSchema)
	n := startNode(t, db.URL, door{db.Pool(t), func() {}}, notifier.Options{TailEvents: 1, QueueEvents: 20})
	start := follow(t, n, guest(notifier.Request{}), "room/1").start.Cursor
	db.Exec(t, `SELECT rowcall.publish('room/1', 'test', to_json(i)) FROM generate_series(1, $1::int) AS i`, events)
	r := follow(t, n, guest(notifier.Request{Since: start}), "room/1")
	r.data(50)
	db.Exec(t, `SELECT throw_out()`)
	db.Exec(t, `SELECT note('secret')`)
	for came := 50; ; came++ {
		e, reset, err := r.take(time.After(patience))
		switch {
		case errors.Is(err, notifier.ErrForbidden) && came < events:
			return
		case err != nil || reset != nil:
			t.Fatalf("after %d events it ended: %+v, %v", came, reset, err)
		case string(e.Data) == `"secret"`:
			t.Fatal("he was told the secret")
		}
	}
}

// TestARightThatIsLostWhileTheNodeIsAwayIsLost throws a guest out while the node cannot read the log, and takes the
// event that says so away before it can: what is left to tell it is that it must start anew.
func TestARightThatIsLostWhileTheNodeIsAwayIsLost(t *testing.T) {
	t.Parallel()
	for reason, lose := range map[notifier.ResetReason]func(*testing.T, *schematest.Database){
		notifier.ResetEpoch:   func(t *testing.T, db *schematest.Database) { db.Exec(t, `SELECT rowcall.new_epoch()`) },
		notifier.ResetExpired: func(t *testing.T, db *schematest.Database) { rotate(t, db, 4) },
	} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.CoreOnly)
			db.Exec(t, doorSchema)
			wire, url := newLine(t, db.URL)
			rules := door{db.Pool(t), func() {}}
			n := launchNode(t, poolConfig(t, url).ConnConfig, poolConfig(t, db.URL), rules, notifier.Options{})
			n.await(t)
			r := follow(t, n, guest(notifier.Request{}), "room/1")
			anonymous := follow(t, n, notifier.Request{}, "room/1")
			db.Exec(t, `SELECT note('for all')`)
			r.data(1)
			anonymous.data(1)
			wire.down()
			db.Exec(t, `SELECT throw_out()`)
			lose(t, db)
			wire.up()
			var got []string
			if reset := anonymous.untilReset(&got); reset.Reason != reason {
				t.Fatalf("reset %+v", reset)
			}
			db.Exec(t, `SELECT note('secret')`)
			anonymous.data(1)
			for {
				e, _, err := r.take(time.After(patience))
				if errors.Is(err, notifier.ErrForbidden) {
					return
				}
				if err != nil || e != nil {
					t.Fatalf("he was told %+v, %v", e, err)
				}
			}
		})
	}
}

// TestCursorsAroundChunksResumeExactly resumes from events of a batch that is handed on in several chunks.
func TestCursorsAroundChunksResumeExactly(t *testing.T) {
	t.Parallel()
	const events = 2500
	db := schematest.New(t, schematest.CoreOnly)
	n := startNode(t, db.URL, openRules{}, roomy())
	r := follow(t, n, notifier.Request{}, "bulk")
	bulk(t, db, events)
	cursors := []string{r.start.Cursor}
	for range events {
		cursors = append(cursors, r.event().Cursor())
	}
	for _, i := range []int{0, 1, 998, 999, 1000, 1001, 1999, 2000, 2001, 2499, 2500} {
		again := follow(t, n, notifier.Request{Since: cursors[i]}, "bulk")
		if got := again.data(events - i); !again.start.Recovered || !slices.Equal(got, numbers(i+1, events)) {
			t.Errorf("from event %d: %+v, %d events", i, again.start, len(got))
		}
		again.sub.Close()
	}
}
