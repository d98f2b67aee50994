package schema_test

import (
	"strings"
	"testing"

	"rowcall/schema"
	"rowcall/schema/schematest"
	"rowcall/triggers"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	if err := schema.Check(t.Context(), schematest.New(t, schematest.Empty).DB(t)); err != nil {
		t.Error(err)
	}
}

// Who migrates need not be superuser, nor be able to create roles. A server of its own, because roles are the server's.
func TestOrdinaryMigrators(t *testing.T) {
	t.Parallel()
	server := schematest.Private(t, schematest.Empty)
	root := server.DB(t)
	for _, statement := range []string{
		`CREATE ROLE plain LOGIN PASSWORD 'plain'`, `CREATE DATABASE plain OWNER plain`,
		`CREATE ROLE maker LOGIN CREATEROLE PASSWORD 'maker'`, `CREATE DATABASE maker OWNER maker`,
		`CREATE ROLE writer LOGIN PASSWORD 'writer'`,
	} {
		run(t, root, statement)
	}
	const owners = `SELECT string_agg(DISTINCT o, ',') FROM (
		SELECT relowner::regrole::text FROM pg_class WHERE relnamespace = 'rowcall'::regnamespace
		UNION ALL SELECT proowner::regrole::text FROM pg_proc WHERE pronamespace = 'rowcall'::regnamespace
		UNION ALL SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'rowcall') s (o)`

	for _, c := range []struct {
		role, database, owner string
		complains             int // lines that say that roles are left out
	}{
		{"plain", "plain", "plain", 1},         // before there are roles
		{"maker", "maker", "rowcall_owner", 0}, // creates them
		{"plain", "plain", "plain", 1},         // may not act for an owner that another made
		{"", "plain", "rowcall_owner", 0},      // a superuser gives the schema to its owner
	} {
		var b book
		db := as(t, server, c.database, c.role)
		for range 2 {
			b.text.Reset()
			mustMigrate(t, db, schema.Options{Apps: true, Samples: true, Logger: b.logger()})
			if err := triggers.Install(t.Context(), db, triggers.Options{Apps: true, Logger: b.logger()}); err != nil {
				t.Fatalf("%s: %v", c.role, err)
			}
			if n := strings.Count(b.String(), "roles left out"); n != c.complains {
				t.Errorf("%s: %d lines about roles\n%s", c.role, n, b.String())
			}
		}
		if got := one[string](t, db, owners); got != c.owner {
			t.Errorf("%s: schema rowcall belongs to %s, want %s", c.role, got, c.owner)
		}
		run(t, db, `GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO writer`)
		before := one[int](t, db, `SELECT count(*) FROM rowcall.log`)
		run(t, as(t, server, c.database, "writer"), `UPDATE chat_join_requests SET status = 'pending'; UPDATE chat_join_requests SET status = 'admitted'`)
		if after := one[int](t, db, `SELECT count(*) FROM rowcall.log`); after <= before {
			t.Errorf("%s: a writer's change files %d events", c.role, after-before)
		}
	}
}
