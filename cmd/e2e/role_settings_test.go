package e2e

import (
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

// TestRoleSettings serves as roles whose settings an operator or a hosting company has chosen for other purposes.
func TestRoleSettings(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]string{
		"read only":      {"default_transaction_read_only = on", "default_transaction_isolation = 'serializable'", "default_transaction_deferrable = on"},
		"impatient":      {"statement_timeout = '700ms'", "lock_timeout = '50ms'", "idle_in_transaction_session_timeout = '100ms'", "idle_session_timeout = '300ms'"},
		"small":          {"work_mem = '64kB'", "temp_file_limit = '20MB'", "max_parallel_workers_per_gather = 8"},
		"other formats":  {"client_encoding = 'LATIN1'", "TimeZone = 'Asia/Tokyo'", "DateStyle = 'German'", "IntervalStyle = 'iso_8601'", "bytea_output = 'escape'", "extra_float_digits = -15", "xmlbinary = 'hex'", "lc_messages = 'C'"},
		"other meanings": {"row_security = off", "quote_all_identifiers = on", "standard_conforming_strings = off", "transform_null_equals = on", "array_nulls = off", "exit_on_error = on"},
		"other plans":    {"plan_cache_mode = 'force_generic_plan'", "enable_indexscan = off", "enable_tidscan = off", "enable_nestloop = off"},
		"another role":   {"role = rowcall_server", "session_replication_role = replica"},
		"other names":    {"search_path = public, pg_temp", "client_min_messages = 'debug1'", "log_statement = 'all'", "session_replication_role = 'origin'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.Samples)
			node := rowcalltest.ServingURL(t, db)
			alterRole(t, db, node, settings...)
			useEverything(t, rowcalltest.StartServerOn(t, db, map[string]string{"ROWCALL_DATABASE_URL": node}))
		})
	}
}

// TestMigratingRoleSettings migrates as a role with such settings.
func TestMigratingRoleSettings(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	owner := "owner_" + db.Name
	db.Exec(t, `CREATE ROLE `+owner+` LOGIN CREATEROLE PASSWORD '`+rowcalltest.Password+`' IN ROLE pg_read_all_settings`)
	db.Exec(t, `ALTER DATABASE `+db.Name+` OWNER TO `+owner+`; GRANT ALL ON SCHEMA public TO `+owner+`;
		GRANT rowcall_server, rowcall_publisher, rowcall_reader, rowcall_app TO `+owner+` WITH ADMIN OPTION`)
	t.Cleanup(func() {
		db.Exec(t, `REASSIGN OWNED BY `+owner+` TO postgres; DROP OWNED BY `+owner+`; DROP ROLE `+owner)
	})
	url := as(t, db.URL, owner)
	alterRole(t, db, url, "default_transaction_read_only = on", "statement_timeout = '1ms'", "lock_timeout = '1ms'", "client_encoding = 'LATIN1'",
		"default_transaction_isolation = 'serializable'", "idle_in_transaction_session_timeout = '1ms'", "standard_conforming_strings = off", "quote_all_identifiers = on")
	for range 2 {
		rowcalltest.Succeeds(t, map[string]string{"ROWCALL_DATABASE_URL": url, "ROWCALL_APPS": "true"}, "migrate")
	}
}

// TestHugeTransactions has transactions of tens of thousands of events behind which a node whose role is bounded must not
// go deaf: what commits next arrives. To read such a transaction in one piece takes more than the role is given.
func TestHugeTransactions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings []string
		events   string
	}{
		"statement_timeout": {[]string{"statement_timeout = '30ms'"}, "25000"},
		"temp_file_limit":   {[]string{"temp_file_limit = '3MB'", "work_mem = '64kB'"}, "25000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.Samples)
			node := rowcalltest.ServingURL(t, db)
			alterRole(t, db, node, c.settings...)
			s := rowcalltest.StartServerOn(t, db, map[string]string{
				"ROWCALL_DATABASE_URL":        node,
				"ROWCALL_LIMITS_PONG_TIMEOUT": "20m", // the test writes, and reads nothing meanwhile
			})
			live := s.Login(t, "bob").OpenNative(t)
			live.Follow("room/1", "dams")
			for range 2 {
				s.Psql(t, `SELECT count(rowcall.publish('elsewhere', 'test', json_build_object('n', n, 'text', repeat('x', 60)))) FROM generate_series(1, `+c.events+`) n`)
				s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'after all that')`)
				live.SkipUntil("after all that")
			}
		})
	}
}
