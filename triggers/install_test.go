package triggers_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"rowcall/schema"
	"rowcall/schema/schematest"
	"rowcall/testdeadline"
	"rowcall/triggers"
)

var quiet = triggers.Options{Apps: true, Logger: slog.New(slog.DiscardHandler)}

// catalog lists everything that an installation could touch, with the transaction that touched it last.
func catalog(d *desk) []string {
	const query = `
		SELECT concat_ws(' ', 'function', oid::regprocedure, xmin, proacl) FROM pg_proc WHERE pronamespace = 'rowcall'::regnamespace
		UNION ALL SELECT concat_ws(' ', 'trigger', tgrelid::regclass, tgname, xmin, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
		UNION ALL SELECT concat_ws(' ', 'table', oid::regclass, xmin, relacl) FROM pg_class WHERE relnamespace IN ('rowcall'::regnamespace, 'public'::regnamespace)
		ORDER BY 1`
	rows, _ := d.Query(d.t.Context(), query)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		d.t.Fatal(err)
	}
	return lines
}

const lockAll = `BEGIN;
	LOCK TABLE users, chat_rooms, chat_room_members, chat_messages, chat_join_requests, patients, dams, hydrographs, hydrograph_points, job_postings,
		rowcall.log, rowcall.floor, rowcall.boot, rowcall.sessions IN ACCESS EXCLUSIVE MODE`

// Installing what is there already takes no lock, though every table is locked, and writes nothing.
func TestInstallTwice(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	d, holder := at(t, db), at(t, db)
	before := catalog(d)
	holder.run(lockAll)
	ctx, cancel := context.WithTimeout(t.Context(), testdeadline.Hang())
	defer cancel()
	sqlDB := db.DB(t)
	err := schema.WithLock(ctx, sqlDB, func(ctx context.Context) error {
		if err := schema.Migrate(ctx, sqlDB, schema.Options{Apps: true, Logger: quiet.Logger}); err != nil {
			return err
		}
		return triggers.Install(ctx, sqlDB, quiet)
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, catalog(d)); diff != "" {
		t.Errorf("a second installation writes (-before +after):\n%s", diff)
	}
}

// Whatever was changed by hand is as wanted after an installation.
func TestInstallRepairs(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	d := at(t, db)
	for _, ruin := range []string{
		`ALTER TABLE chat_messages DISABLE TRIGGER "0_rowcall"`,
		`ALTER TABLE chat_messages ENABLE TRIGGER "0_rowcall"`,
		`DROP TRIGGER "0_rowcall" ON chat_messages`,
		`CREATE OR REPLACE TRIGGER "0_rowcall" AFTER DELETE ON chat_messages FOR EACH ROW EXECUTE FUNCTION rowcall.on_chat_messages()`,
		`CREATE OR REPLACE FUNCTION rowcall.on_chat_messages() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$`,
		`ALTER FUNCTION rowcall.on_chat_messages() SECURITY INVOKER`,
		`ALTER FUNCTION rowcall.on_chat_messages() RESET search_path`,
		`GRANT EXECUTE ON FUNCTION rowcall.publish TO PUBLIC`,
		`REVOKE EXECUTE ON FUNCTION rowcall.publish FROM rowcall_publisher`,
		`DROP FUNCTION rowcall.on_chat_messages() CASCADE`,
	} {
		const state = `
			SELECT array_agg(x ORDER BY x) FROM (
				SELECT concat_ws(' ', pg_get_functiondef(oid), proacl) FROM pg_proc WHERE pronamespace = 'rowcall'::regnamespace
				UNION ALL SELECT concat_ws(' ', pg_get_triggerdef(oid), tgenabled) FROM pg_trigger WHERE NOT tgisinternal) s (x)`
		want := one[[]string](d, state)
		d.run(ruin)
		if err := triggers.Install(t.Context(), db.DB(t), quiet); err != nil {
			t.Fatalf("after %s: %v", ruin, err)
		}
		if diff := cmp.Diff(want, one[[]string](d, state)); diff != "" {
			t.Errorf("not repaired: %s (-want +got):\n%s", ruin, diff)
		}
	}
	d.run(`INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'x')`)
	d.expectCounts(map[string]int{"chat_message_created": 1})
}

// A trigger that has to be replaced waits for its table without making writers wait, and gets its turn.
func TestInstallBesideWriters(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	holder, writer := at(t, db), at(t, db)
	writer.run(`ALTER TABLE job_postings DISABLE TRIGGER "0_rowcall"; SET lock_timeout = '1min'`)
	holder.run(`BEGIN; INSERT INTO job_postings (user_id) VALUES (1)`)

	done := make(chan error, 1)
	sqlDB := db.DB(t)
	go func() { done <- triggers.Install(t.Context(), sqlDB, quiet) }()
	for i := range 50 {
		writer.run(fmt.Sprintf(`INSERT INTO job_postings (user_id, progress) VALUES (1, %d)`, i))
	}
	select {
	case err := <-done:
		t.Fatalf("the installation did not wait: %v", err)
	default:
	}
	holder.run(`COMMIT`)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	writer.events()
	writer.run(`INSERT INTO job_postings (user_id) VALUES (1)`)
	writer.expectCounts(map[string]int{"job_posting.saved": 1})
}

// An installation that waits ends with its context.
func TestInstallCancelled(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	holder := at(t, db)
	holder.run(`DROP TRIGGER "0_rowcall" ON dams`)
	holder.run(`BEGIN; LOCK TABLE dams IN ACCESS EXCLUSIVE MODE`)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := triggers.Install(ctx, db.DB(t), quiet); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Install returns %v", err)
	}
}

// The core alone brings no trigger to the user's tables.
func TestInstallCore(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.CoreOnly))
	if got := one[[]string](d, `SELECT array_agg(DISTINCT tgrelid::regclass::text) FROM pg_trigger WHERE NOT tgisinternal`); len(got) != 1 || got[0] != "rowcall.sessions" {
		t.Errorf("there are triggers on %v", got)
	}
}
