package tables_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"rowcall/config/rules"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
	"rowcall/triggers/tables"
)

// samplesDeclared declares the sample schemas of testdata, and the sixty tables of oddTables.
func samplesDeclared() []rules.Table {
	return []rules.Table{
		{Table: "films.*", Except: []string{"staff"}, Topics: topics("films/{table}")},
		{Table: "films.staff", Hide: []string{"password"}, Topics: topics("films/staff")},
		{Table: "films.payment", Topics: topics("films/payment", "films/payment/{customer_id}", "paid/{rental_id}"), Numbers: rules.NumbersText},
		{Table: "music.*", Except: []string{"customer"}, Topics: topics("music/{table}")},
		{Table: "music.customer", Name: "music_customer", Topics: topics("music/customer")},
		{Table: "bench.*", Except: []string{"pgbench_history"}, Topics: topics("bench/{table}")},
		{Table: "odd.*", Topics: topics("odd/{table}")},
	}
}

// samplesWriters are transactions as applications run them. Each gets a number. They lock the rows that their own refer to:
// another writer may delete these.
func samplesWriters() []func(n int) string {
	odd := oddTables()
	writesOdd := func(n int) string { return odd[n%len(odd)].write(n) }
	return []func(n int) string{
		writesOdd, writesOdd, writesOdd, writesOdd, writesOdd, writesOdd,
		func(n int) string {
			return fmt.Sprintf(`BEGIN; UPDATE bench.pgbench_accounts SET abalance = abalance + 1 WHERE aid = %d; UPDATE bench.pgbench_tellers SET tbalance = tbalance + 1 WHERE tid = %d;
				UPDATE bench.pgbench_branches SET bbalance = bbalance + 1 WHERE bid = %d; INSERT INTO bench.pgbench_history VALUES (1, 1, 1, 1, now()); COMMIT`, 1+n%100, 1+n%10, 1+n%2)
		},
		func(n int) string {
			return fmt.Sprintf(`INSERT INTO films.rental (inventory_id, customer_id, during) SELECT inventory_id, %d, tstzrange(now(), NULL) FROM films.inventory WHERE inventory_id = %d FOR KEY SHARE`, 1+n%20, 1+n%60)
		},
		func(n int) string {
			return fmt.Sprintf(`INSERT INTO films.payment (customer_id, rental_id, amount, paid_at) VALUES (%d, %d, %d.50, '2026-0%d-05Z'::timestamptz + interval '%[4]d hours')`, 1+n%5, n%7, n%9, 1+n%4)
		},
		func(n int) string {
			return fmt.Sprintf(`UPDATE films.payment SET paid_at = paid_at + interval '1 month', customer_id = 1 + customer_id %% 5, rental_id = nullif(rental_id, 3) WHERE payment_id %% 11 = %d`, n%11)
		},
		func(n int) string { return fmt.Sprintf(`DELETE FROM films.payment WHERE payment_id %% 13 = %d`, n%13) },
		func(n int) string {
			return fmt.Sprintf(`UPDATE films.film SET rating = (enum_range(NULL::films.rating))[%d], title = title || '.' WHERE film_id = %d`, 1+n%5, 1+n%30)
		},
		func(n int) string {
			return fmt.Sprintf(`DELETE FROM films.film WHERE film_id = %d AND %d = 0`, 1+n%30, n%4)
		},
		func(n int) string {
			return fmt.Sprintf(`WITH i AS (INSERT INTO music.invoice (customer_id, billing) SELECT customer_id, home FROM music.customer WHERE customer_id = %d FOR KEY SHARE RETURNING invoice_id)
				INSERT INTO music.invoice_line (invoice_id, track_id, unit_price, quantity) SELECT i.invoice_id, t.track_id, t.unit_price, 2 FROM i, music.track t WHERE t.track_id %% 20 = %d FOR KEY SHARE OF t`, 1+n%15, n%20)
		},
		func(n int) string {
			return fmt.Sprintf(`UPDATE music.artist SET artist_id = artist_id + 100 WHERE artist_id = %d; DELETE FROM music.album WHERE album_id = %d AND %d = 0`, 1+n%8, 1+n%12, n%5)
		},
		func(n int) string {
			return fmt.Sprintf(`UPDATE music.track SET loudness = loudness / 3 WHERE track_id = %d`, 1+n%60)
		},
		func(n int) string {
			return fmt.Sprintf(`BEGIN; DELETE FROM music.invoice; SAVEPOINT s; DELETE FROM music.track; ROLLBACK TO s; %s`, []string{"ROLLBACK", "COMMIT"}[min(n%10, 1)^1])
		},
		func(n int) string {
			return fmt.Sprintf(`DELETE FROM music.employee WHERE employee_id = %d AND %d = 0`, 1+n%4, n%6)
		},
	}
}

// samplesChange is a change of tables while they are written.
type samplesChange struct {
	sql    string
	resets []string // what followers are told then: a pattern and a reason each, sorted
}

// samplesDDL are changes in groups, with writers beside each. Writers name no column that goes.
func samplesDDL() [][]samplesChange {
	payment := []string{"films/payment schema", "films/payment/{customer_id} schema", "paid/{rental_id} schema"}
	groups := [][]samplesChange{{
		{`ALTER TABLE films.film RENAME description TO about`, []string{"films/film schema"}},
		{`ALTER TABLE music.customer ADD note text DEFAULT 'new'`, []string{"music/customer schema"}},
		{`ALTER TABLE films.staff ADD pin text`, []string{"films/staff schema"}},
	}, {
		{`ALTER TABLE films.film DROP length`, []string{"films/film schema"}},
		{`ALTER TABLE bench.pgbench_accounts DROP filler`, []string{"bench/pgbench_accounts schema"}},
		{`ALTER TABLE music.track ALTER bytes TYPE text`, []string{"music/track schema"}},
		{`ALTER TABLE music.genre RENAME name TO called`, []string{"music/genre schema"}},
	}, {
		{`CREATE TABLE films.payment_04 (payment_id bigint NOT NULL, gone int, amount films.price, customer_id int NOT NULL, paid_at timestamptz NOT NULL, rental_id bigint);
			ALTER TABLE films.payment_04 DROP gone; LOCK films.payment; DELETE FROM films.payment WHERE paid_at >= '2026-09-01Z';
			ALTER TABLE films.payment ATTACH PARTITION films.payment_04 FOR VALUES FROM ('2026-09-01Z') TO ('2026-10-01Z')`, payment},
		{`ALTER TABLE films.payment DETACH PARTITION films.payment_01; ALTER TABLE films.payment_01 ADD CHECK (true);
			ALTER TABLE films.payment ATTACH PARTITION films.payment_01 FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z')`, nil},
	}, {
		{`ALTER TABLE films.payment ALTER customer_id TYPE bigint`, payment},
		{`ALTER TYPE films.rating ADD VALUE 'X' BEFORE 'G'`, nil},
		{`ALTER TYPE music.postal ADD ATTRIBUTE country text`, []string{"music/customer schema", "music/invoice schema"}},
		{`ALTER TYPE music.postal RENAME ATTRIBUTE city TO town`, []string{"music/customer schema", "music/invoice schema"}},
	}, {
		{`TRUNCATE films.rental`, []string{"films/rental truncate"}},
		{`TRUNCATE music.playlist_track`, []string{"music/playlist_track truncate"}},
		{`ALTER TABLE music.playlist RENAME TO lists`, []string{"music/lists triggers"}},
	}}
	for i, o := range oddTables() {
		if i%4 != 0 {
			continue
		}
		last := o.columns[3]
		change := []string{"RENAME " + last + ` TO "it's ""new"""`, "DROP " + last, "ALTER " + last + " TYPE text USING 'now text'", `ADD "it's ""new""" int DEFAULT 7`}[i/4%4]
		at := i / 4 % len(groups)
		groups[at] = append(groups[at], samplesChange{"ALTER TABLE " + o.name + " " + change, []string{o.topic() + " schema"}})
	}
	return groups
}

// audience is the followers of all topics of the samples, and which events they have seen.
type audience struct {
	db        *sql.DB
	followers []*follower
	keys      [][]tables.Column
	seen      map[int64]bool
	resets    []string // of the last look: a pattern and a reason each, sorted
}

// filedEvent is a row of the log.
type filedEvent struct{ topic, kind, role, data string }

// next reads the events that have come, in the order of their ids.
func (a *audience) next(ctx context.Context, tx *sql.Tx) ([]filedEvent, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, topic, type, coalesce(role, ''), data FROM rowcall.log ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var come []filedEvent
	for rows.Next() {
		var id int64
		var e filedEvent
		if err := rows.Scan(&id, &e.topic, &e.kind, &e.role, &e.data); err != nil {
			return nil, err
		}
		if !a.seen[id] {
			a.seen[id] = true
			come = append(come, e)
		}
	}
	return come, rows.Err()
}

// hear has the followers hear events. Where tables have changed, a follower who is told to read the rows again may hear
// before that of columns that it does not know.
func (a *audience) hear(come []filedEvent, changed bool) error {
	a.resets = nil
	for _, e := range come {
		if e.kind != resetType {
			continue
		}
		patterns, reason, err := readReset(e.data)
		if err != nil {
			return err
		}
		for _, pattern := range patterns {
			a.resets = append(a.resets, pattern+" "+reason)
		}
		for _, f := range a.followers {
			f.reset = f.reset || changed && f.isToldBy(patterns)
		}
	}
	slices.Sort(a.resets)
	for _, e := range come {
		for _, f := range a.followers {
			if err := f.hears(e.topic, e.kind, e.role, e.data); err != nil {
				return fmt.Errorf("a follower of %s: %w", f.topic, err)
			}
		}
	}
	return nil
}

// look has the followers hear what has come, and compares what they hold with the tables at the same moment. Those who were
// told to read their rows again do so. Events of one row are in the order of their ids; others may be committed in another one.
func (a *audience) look(ctx context.Context, changed bool) error {
	tx, err := a.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	come, err := a.next(ctx, tx)
	if err != nil {
		return err
	}
	if err := a.hear(come, changed); err != nil {
		return err
	}
	for i, f := range a.followers {
		want, err := f.state(ctx, tx, a.keys[i])
		if err != nil {
			return err
		}
		if f.reset {
			f.rows, f.reset = want, false
		} else if diff := cmp.Diff(want, f.rows); diff != "" {
			return fmt.Errorf("rows of %s (-table +follower):\n%s", f.topic, diff)
		}
	}
	return nil
}

// gather has a follower for each topic of the tables: for those with parameters, for five values of them. Who follows already
// keeps the rows; others begin with a state.
func (a *audience) gather(found []tables.Table) {
	before := map[topic.Topic]*follower{}
	for _, f := range a.followers {
		before[f.topic] = f
	}
	a.followers, a.keys = nil, nil
	for _, table := range found {
		for _, rule := range table.Rules() {
			values := []string{""}
			if len(rule.Pattern().Parameters()) > 0 {
				values = []string{"1", "2", "3", "4", "5"}
			}
			for _, value := range values {
				f := &follower{rule: rule, args: map[string]string{}, reset: true}
				for _, p := range rule.Pattern().Parameters() {
					f.args[p.Name] = value
				}
				f.topic = topic.Topic(rule.Pattern().Expand(func(string) string { return value }))
				if _, role, ok := strings.Cut(rule.Access, "rowcall_depth_"); ok {
					f.role = "rowcall_depth_" + role[:1]
				}
				if known := before[f.topic]; known != nil {
					f.rows, f.reset = known.rows, known.reset
				}
				a.followers, a.keys = append(a.followers, f), append(a.keys, table.Key)
			}
		}
	}
}

// plainOwner makes the samples, which belong to a role without rights, and returns the database as this role.
func plainOwner(t *testing.T, db *schematest.Database) *sql.DB {
	t.Helper()
	db.Exec(t, `CREATE ROLE plain LOGIN PASSWORD 'hunter2'; GRANT CREATE ON DATABASE `+sqlName(db.Name)+` TO plain`)
	for _, name := range []string{"films", "music", "pgbench"} {
		text, err := os.ReadFile("testdata/" + name + ".sql")
		if err != nil {
			t.Fatal(err)
		}
		db.Exec(t, "SET ROLE plain;\n"+string(text))
	}
	db.Exec(t, "SET ROLE plain; "+makeOddTables())
	at, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	at.User = url.UserPassword("plain", "hunter2")
	own, err := sql.Open("pgx", at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { own.Close() })
	return own
}

// write runs a hundred transactions on each of some connections, or fewer if stop is closed before. An error of a writer is an
// error, but for those of PostgreSQL's own between concurrent writers.
func write(ctx context.Context, db *schematest.Database, stop <-chan struct{}, seed uint64) error {
	all, ctx := errgroup.WithContext(ctx)
	for w := range uint64(3) {
		all.Go(func() error {
			conn, err := pgx.Connect(ctx, db.URL)
			if err != nil {
				return err
			}
			defer conn.Close(context.WithoutCancel(ctx))
			random, writers := rand.New(rand.NewPCG(seed, w)), samplesWriters()
			for range 100 {
				select {
				case <-stop:
					return nil
				default:
				}
				statement := writers[random.IntN(len(writers))](random.IntN(60_000))
				if _, err := conn.PgConn().Exec(ctx, statement).ReadAll(); err != nil && !isConflict(err) {
					return fmt.Errorf("%s: %w", statement, err)
				} else if err != nil {
					_, _ = conn.PgConn().Exec(ctx, "ROLLBACK").ReadAll()
				}
			}
			return nil
		})
	}
	return all.Wait()
}

// isConflict reports whether an error is a deadlock, or of a row that another transaction has moved to another partition.
func isConflict(err error) bool {
	refused, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	return ok && (refused.SQLState() == "40P01" || refused.SQLState() == "40001")
}

// Followers of public sample schemas, declared in a few lines and applied by their plain owner, hold what the tables have
// while these are written and changed. Before that, a removal leaves the schema as it was.
func TestSampleSchemas(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.Empty)
	own := plainOwner(t, db)
	before := dump(t, db)
	applySamples := func() []tables.Table {
		t.Helper()
		changes, err := tables.PlanDeclared(t.Context(), own, samplesDeclared())
		if err == nil {
			err = tables.Apply(t.Context(), own, changes, func(tables.Change) {})
		}
		if err != nil {
			t.Fatal(err)
		}
		found, err := tables.Resolve(t.Context(), own, samplesDeclared())
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	install(t, own, false)
	applySamples()
	remove(t, own)
	if diff := cmp.Diff(before, dump(t, db)); diff != "" {
		t.Errorf("the schema after a removal (-before +after):\n%s", diff)
	}

	install(t, own, false)
	a := &audience{db: own, seen: map[int64]bool{}}
	a.gather(applySamples())
	look := func(what string, changed bool) {
		t.Helper()
		if err := a.look(t.Context(), changed); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	look("at first", false)
	for i, group := range samplesDDL() {
		stop := make(chan struct{})
		var writers sync.WaitGroup
		var failed error
		writers.Go(func() { failed = write(t.Context(), db, stop, uint64(i)) })
		look("beside writers", false)
		for _, change := range group {
			db.Exec(t, `SET ROLE plain; `+change.sql)
			a.gather(applySamples())
			look("after "+change.sql, true)
			if diff := cmp.Diff(change.resets, a.resets); diff != "" {
				t.Errorf("followers are told to read their rows again after %s (-want +got):\n%s", change.sql, diff)
			}
			look("beside writers, after "+change.sql, false)
		}
		close(stop)
		writers.Wait()
		if failed != nil {
			t.Fatal(failed)
		}
		look("after the writers", false)
	}
}
