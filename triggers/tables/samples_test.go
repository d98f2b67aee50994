package tables_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
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

// oddTables makes sixty tables whose names and columns are odd, and of which each type is part of some.
func oddTables() string {
	odd := []string{`a"b`, "a'b", `a\b`, "a b", "größe", "表", "SELECT", "a/b", "%s", "$1", "{x}", "new", "old", "slot", "fields", "*/", "--", "a:b", "@me", "\u202e"}
	kinds := generatedColumns()
	made := "CREATE SCHEMA odd; CREATE TYPE odd.mood AS ENUM ('sad', 'o k'); SET search_path = odd;\n"
	for i := range 60 {
		name := fmt.Sprintf("%s %d", odd[i%len(odd)], i)
		if i%3 == 0 {
			name = strings.Repeat("ä", 28) + fmt.Sprint(i) // near the longest name that there may be
		}
		key := kinds[i%4]
		columns := []string{fmt.Sprintf("%s %s PRIMARY KEY", sqlName(odd[(i+1)%len(odd)]), key.sqlType)}
		values := []string{key.values[0]}
		for j := range 4 {
			kind := kinds[(i+j)%len(kinds)]
			columns = append(columns, fmt.Sprintf("%s %s", sqlName(fmt.Sprintf("%s %d", odd[(i+j)%len(odd)], j)), kind.sqlType))
			values = append(values, kind.values[i%len(kind.values)])
		}
		made += fmt.Sprintf("CREATE TABLE %s (%s); INSERT INTO %[1]s VALUES (%[3]s);\n", sqlName(name), strings.Join(columns, ", "), strings.Join(values, ", "))
	}
	return made + "RESET search_path"
}

func sqlName(name string) string { return pgx.Identifier{name}.Sanitize() }

// samplesWriters are transactions as applications run them. Each gets a number.
func samplesWriters() []func(n int) string {
	return []func(n int) string{
		func(n int) string {
			return fmt.Sprintf(`BEGIN; UPDATE bench.pgbench_accounts SET abalance = abalance + 1 WHERE aid = %d; UPDATE bench.pgbench_tellers SET tbalance = tbalance + 1 WHERE tid = %d;
				UPDATE bench.pgbench_branches SET bbalance = bbalance + 1 WHERE bid = %d; INSERT INTO bench.pgbench_history VALUES (1, 1, 1, 1, now()); COMMIT`, 1+n%100, 1+n%10, 1+n%2)
		},
		func(n int) string {
			return fmt.Sprintf(`INSERT INTO films.rental (inventory_id, customer_id, during) SELECT inventory_id, %d, tstzrange(now(), NULL) FROM films.inventory WHERE inventory_id = %d`, 1+n%20, 1+n%60)
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
			return fmt.Sprintf(`WITH i AS (INSERT INTO music.invoice (customer_id, billing) SELECT customer_id, home FROM music.customer WHERE customer_id = %d RETURNING invoice_id)
				INSERT INTO music.invoice_line (invoice_id, track_id, unit_price, quantity) SELECT i.invoice_id, t.track_id, t.unit_price, 2 FROM i, music.track t WHERE t.track_id %% 20 = %d`, 1+n%15, n%20)
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

// samplesDDL are changes of the tables while they are written. Writers name no column that goes.
func samplesDDL() []string {
	return []string{
		`ALTER TABLE films.film RENAME description TO about; ALTER TABLE music.customer ADD note text DEFAULT 'new'`,
		`ALTER TABLE films.film DROP length; ALTER TABLE bench.pgbench_accounts DROP filler; ALTER TABLE music.track ALTER bytes TYPE text`,
		`CREATE TABLE films.payment_04 (payment_id bigint NOT NULL, gone int, amount films.price, customer_id int NOT NULL, paid_at timestamptz NOT NULL, rental_id bigint);
			ALTER TABLE films.payment_04 DROP gone; LOCK films.payment; DELETE FROM films.payment WHERE paid_at >= '2026-09-01Z';
			ALTER TABLE films.payment ATTACH PARTITION films.payment_04 FOR VALUES FROM ('2026-09-01Z') TO ('2026-10-01Z');
			ALTER TABLE films.payment DETACH PARTITION films.payment_01; ALTER TABLE films.payment_01 ADD CHECK (true);
			ALTER TABLE films.payment ATTACH PARTITION films.payment_01 FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z')`,
		`ALTER TABLE films.payment ALTER customer_id TYPE bigint; ALTER TYPE films.rating ADD VALUE 'X' BEFORE 'G'; ALTER TYPE music.postal ADD ATTRIBUTE country text`,
		`TRUNCATE films.rental, music.playlist_track; ALTER TABLE music.playlist RENAME TO lists`,
	}
}

// audience is the followers of all topics of the samples, and which events they have seen.
type audience struct {
	db        *sql.DB
	followers []*follower
	keys      [][]tables.Column
	seen      map[int64]bool
}

// look has the followers hear what has come, and compares what they hold with the tables at the same moment. Where begin is
// set they take the state instead. Events of one row are in the order of their ids; others may be committed in another one.
func (a *audience) look(ctx context.Context, begin bool) error {
	tx, err := a.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	rows, err := tx.QueryContext(ctx, `SELECT id, topic, type, coalesce(role, ''), data FROM rowcall.log ORDER BY id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var name, kind, role, data string
		if err := rows.Scan(&id, &name, &kind, &role, &data); err != nil {
			return err
		}
		if a.seen[id] {
			continue
		}
		a.seen[id] = true
		for _, f := range a.followers {
			if begin {
				break
			}
			if err := f.hears(name, kind, role, data); err != nil {
				return fmt.Errorf("a follower of %s: %w", f.topic, err)
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for i, f := range a.followers {
		want, err := f.state(ctx, tx, a.keys[i])
		if err != nil {
			return err
		}
		if begin || f.reset {
			f.rows, f.reset = want, false
		} else if diff := cmp.Diff(want, f.rows); diff != "" {
			return fmt.Errorf("rows of %s (-table +follower):\n%s", f.topic, diff)
		}
	}
	return nil
}

// gather has a follower for each topic of the tables: for those with parameters, for five values of them.
func (a *audience) gather(found []tables.Table) {
	a.followers, a.keys = nil, nil
	for _, table := range found {
		for _, rule := range table.Rules() {
			values := []string{""}
			if len(rule.Pattern().Parameters()) > 0 {
				values = []string{"1", "2", "3", "4", "5"}
			}
			for _, value := range values {
				f := &follower{rule: rule, args: map[string]string{}}
				for _, p := range rule.Pattern().Parameters() {
					f.args[p.Name] = value
				}
				f.topic = topic.Topic(rule.Pattern().Expand(func(string) string { return value }))
				if _, role, ok := strings.Cut(rule.Access, "rowcall_depth_"); ok {
					f.role = "rowcall_depth_" + role[:1]
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
	db.Exec(t, "SET ROLE plain; "+oddTables())
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

// write runs sixty transactions on each of some connections, or fewer if stop is closed before. An error of a writer is an
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
			for range 60 {
				select {
				case <-stop:
					return nil
				default:
				}
				statement := writers[random.IntN(len(writers))](random.IntN(1000))
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
	look := func(what string, begin bool) {
		t.Helper()
		if err := a.look(t.Context(), begin); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	look("at first", true)
	for i, change := range samplesDDL() {
		stop := make(chan struct{})
		var writers sync.WaitGroup
		var failed error
		writers.Go(func() { failed = write(t.Context(), db, stop, uint64(i)) })
		for range 3 {
			look("beside writers", false)
		}
		db.Exec(t, `SET ROLE plain; `+change)
		a.gather(applySamples())
		look("after "+change, true)
		look("beside writers, after "+change, false)
		close(stop)
		writers.Wait()
		if failed != nil {
			t.Fatal(failed)
		}
		look("after the writers", false)
	}
}
