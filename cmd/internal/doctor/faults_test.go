package doctor_test

import (
	"slices"
	"time"

	"rowcall/cmd/internal/doctor"
	"rowcall/config"
	"rowcall/config/rules"
	"rowcall/schema/schematest"
)

// fault is one thing that is wrong with a database, and the finding that names it.
type fault struct {
	code   string
	of     string // the finding's table and object; empty: any
	remedy string // a part of the finding's remedy

	content schematest.Option // 0: the apps without samples
	server  map[string]string // settings of a server of its own; nil: a shared server
	sql     string            // what a superuser does; {db} is the database, {few} a role without rights
	hold    string            // what another session does in a transaction that stays open
	few     bool              // the doctor looks as the role without rights
	config  func(*config.Config)
	options doctor.Options
}

const tasks = `
	CREATE TABLE tasks (id int);
	CREATE FUNCTION on_tasks() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	BEGIN PERFORM rowcall.publish('patients/1', 'task', '{}'); RETURN NULL; END $$;
	CREATE TRIGGER "0_rowcall" AFTER INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION on_tasks();
	ALTER TABLE tasks ENABLE ALWAYS TRIGGER "0_rowcall";`

// atOnce has every open transaction be long.
func atOnce() doctor.Options { return doctor.Options{Long: time.Nanosecond} }

func faults() []fault {
	return append(append(faultsOfSchema(), faultsOfTriggers()...), append(faultsOfLog(), faultsOfServer()...)...)
}

func faultsOfSchema() []fault {
	return []fault{
		{code: doctor.SchemaMissing, content: schematest.Empty, remedy: "rowcall migrate"},
		{code: doctor.SchemaPending, remedy: "rowcall migrate", sql: `DELETE FROM rowcall.core_migrations WHERE version_id = 4`},
		{code: doctor.SchemaNewer, sql: `INSERT INTO rowcall.core_migrations (version_id, is_applied) VALUES (9999, true); DROP FUNCTION rowcall.cursor`},
		{code: doctor.SchemaIncomplete, of: "rowcall.log_xid", sql: `DROP INDEX rowcall.log_xid`},
		{code: doctor.SchemaIncomplete, of: "public.dams", sql: `DROP TABLE dams CASCADE`},
		{code: doctor.SchemaOwner, of: "rowcall.state", sql: `ALTER SEQUENCE rowcall.state OWNER TO postgres`},
		{code: doctor.SchemaSuperuser, sql: `ALTER SCHEMA rowcall OWNER TO postgres`},
		{code: doctor.FunctionMissing, of: "rowcall.cursor", sql: `DROP FUNCTION rowcall.cursor`},
		{code: doctor.FunctionOutdated, of: "rowcall.fields", sql: `ALTER FUNCTION rowcall.fields VOLATILE`},
		{code: doctor.FunctionSettings, of: "rowcall.publish", sql: `ALTER FUNCTION rowcall.publish SET search_path = public`},
		{code: doctor.FunctionSecurity, of: "rowcall.publish", sql: `ALTER FUNCTION rowcall.publish SECURITY INVOKER`},
		{code: doctor.FunctionOwner, of: "rowcall.publish", sql: `ALTER FUNCTION rowcall.publish OWNER TO postgres`},
		{code: doctor.FunctionPublic, of: "rowcall.publish", sql: `GRANT EXECUTE ON FUNCTION rowcall.publish TO PUBLIC`},
		{code: doctor.RightsServe, of: "{few}", remedy: "GRANT rowcall_server TO", few: true},
		{code: doctor.RightsServe, of: "{few}", remedy: "INHERIT", few: true, sql: `ALTER ROLE "{few}" NOINHERIT; GRANT rowcall_server TO "{few}"`},
		{code: doctor.RightsMigrate, of: "{few}", remedy: `GRANT "rowcall_owner" TO "{few}"`, few: true, config: func(c *config.Config) {
			c.Database.MigrateURL = c.Database.URL + "&application_name=migrates"
		}},
		{code: doctor.LookDenied, of: "{few}", few: true},
		{code: doctor.ActivityHidden, of: "{few}", remedy: "GRANT pg_read_all_stats", few: true, hold: `SELECT 1`},
		{code: doctor.LookFailed, of: "the size of the log", sql: `DROP FUNCTION rowcall.log_state`},
		{code: doctor.LookTimeout, of: "the floor of the log", hold: `LOCK TABLE rowcall.floor IN ACCESS EXCLUSIVE MODE`},
	}
}

func faultsOfTriggers() []fault {
	const insert = `AFTER INSERT ON patients FOR EACH ROW EXECUTE FUNCTION`
	return []fault{
		{code: doctor.TriggerMissing, of: `public.patients "0_rowcall"`, sql: `DROP TRIGGER "0_rowcall" ON patients`},
		{code: doctor.TriggerDisabled, of: `public.patients "0_rowcall"`, sql: `ALTER TABLE patients DISABLE TRIGGER "0_rowcall"`},
		{code: doctor.TriggerDisabled, of: `public.patients "0_rowcall"`, sql: `ALTER TABLE patients ENABLE REPLICA TRIGGER "0_rowcall"`},
		{code: doctor.TriggerDisabled, of: `public.tasks "0_rowcall"`, sql: tasks + `ALTER TABLE tasks ENABLE REPLICA TRIGGER "0_rowcall"`},
		{code: doctor.TriggerNotAlways, of: `public.patients "0_rowcall"`, sql: `ALTER TABLE patients ENABLE TRIGGER "0_rowcall"`},
		{code: doctor.TriggerReplaced, of: `public.patients "0_rowcall"`, sql: `CREATE OR REPLACE TRIGGER "0_rowcall" ` + insert + ` rowcall.on_dams()`},
		{code: doctor.TriggerOutdated, of: `public.patients "0_rowcall"`, sql: `CREATE OR REPLACE TRIGGER "0_rowcall" ` + insert + ` rowcall.on_patients()`},
		{code: doctor.TriggerNotFirst, of: `public.patients "0_rowcall"`, remedy: `ALTER TRIGGER "!first"`,
			sql: `CREATE TRIGGER "!first" ` + insert + ` suppress_redundant_updates_trigger()`},
		{code: doctor.TriggerDisabled, of: `public.tasks "0_rowcall"`, remedy: `ALTER TABLE public.tasks ENABLE ALWAYS`, sql: tasks + `ALTER TABLE tasks DISABLE TRIGGER "0_rowcall"`},
		{code: doctor.TriggerNotAlways, of: `public.tasks "0_rowcall"`, sql: tasks + `ALTER TABLE tasks ENABLE TRIGGER "0_rowcall"`},
		{code: doctor.TriggerDisabled, of: `public.parts_1 "0_rowcall"`, sql: `CREATE TABLE parts (id int) PARTITION BY LIST (id); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);` + tasks +
			`CREATE TRIGGER "0_rowcall" AFTER INSERT ON parts FOR EACH ROW EXECUTE FUNCTION on_tasks(); ALTER TABLE parts ENABLE ALWAYS TRIGGER "0_rowcall"; ALTER TABLE parts_1 DISABLE TRIGGER "0_rowcall"`},
		{code: doctor.TriggerSearchPath, of: "public.tasks public.on_tasks", sql: tasks + `ALTER FUNCTION on_tasks RESET search_path`},
		{code: doctor.TriggerRights, of: "public.tasks public.on_tasks", remedy: "SECURITY DEFINER", sql: tasks + `ALTER FUNCTION on_tasks SECURITY INVOKER`},
		{code: doctor.TriggerRights, of: "public.tasks public.on_tasks", remedy: `GRANT rowcall_publisher TO "{few}"`, sql: tasks + `GRANT CREATE ON SCHEMA public TO "{few}"; ALTER FUNCTION on_tasks OWNER TO "{few}"`},
		{code: doctor.TriggerMissing, of: `public.django_session "0_rowcall"`, sql: `CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text, expire_date timestamptz)`,
			config: func(c *config.Config) { c.Auth.Django.SecretKey = "not-so-secret" }},
	}
}

func faultsOfLog() []fault {
	const publish = `SELECT rowcall.publish('patients/1', 'x', '{}') FROM generate_series(1, 9);`
	return []fault{
		{code: doctor.SequenceCache, of: "rowcall.log_id", remedy: "ALTER SEQUENCE rowcall.log_id CACHE 1", sql: `ALTER SEQUENCE rowcall.log_id CACHE 20`},
		{code: doctor.SequenceBehind, remedy: "setval", sql: publish + `SELECT setval('rowcall.log_id', 1)`},
		{code: doctor.LogAbandoned, sql: `SELECT rowcall.set_state(1000, 1, 0)`},
		{code: doctor.LogLarge, sql: publish, config: func(c *config.Config) { c.Log.KeepBytes = 1 }},
		{code: doctor.LogOld, sql: publish, config: func(c *config.Config) { c.Log.Keep = 1 }},
		{code: doctor.LogLocked, remedy: "pg_terminate_backend", hold: `LOCK TABLE rowcall.log_2 IN ACCESS SHARE MODE`, options: atOnce()},
		{code: doctor.LogFloor, sql: `DELETE FROM rowcall.floor`},
		{code: doctor.LogFloor, remedy: "rowcall new-history", sql: `UPDATE rowcall.floor SET xid = '99999999'`},
		{code: doctor.LogHistory},
		{code: doctor.LogReplicated, of: "rowcall.log_0", server: map[string]string{}, sql: `CREATE SUBSCRIPTION other CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false);
			SET allow_system_table_mods = on; INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate) SELECT oid, 'rowcall.log_0'::regclass, 'r' FROM pg_subscription`},
		{code: doctor.LogHistory, sql: `SELECT rowcall.epoch(); UPDATE rowcall.boot SET database_oid = 1`},
		{code: doctor.NodeNone, remedy: "rowcall serve"},
		{code: doctor.TopicUnfollowable, of: "rowcall.log nowhere/1", sql: `SELECT rowcall.publish('nowhere/1', 'x', '{}')`},
		{code: doctor.TopicUnfollowable, of: "rowcall.log room/007", sql: `SELECT rowcall.publish('room/007', 'x', '{}'), rowcall.publish('room/7', 'x', '{}')`, config: func(c *config.Config) {
			c.Topics = slices.DeleteFunc(c.Topics, func(topic rules.Topic) bool { return topic.Topic == "room" })
		}},
		{code: doctor.TopicUnfollowable, remedy: "correct the trigger", sql: `SELECT rowcall.publish('patients/' || repeat('x', 300), 'x', '{}')`},
		{code: doctor.SettingUnfit, of: "topics[", sql: `ALTER TABLE chat_rooms RENAME owner_id TO boss_id`},
		{code: doctor.TransactionLong, remedy: "pg_terminate_backend", hold: `CREATE TABLE unfinished ()`, options: atOnce()},
		{code: doctor.TransactionRead, hold: `SELECT 1`, options: atOnce()},
		{code: doctor.TransactionMany, hold: `CREATE TABLE unfinished ()`, options: doctor.Options{Many: 1}},
		{code: doctor.TransactionPrepared, of: "it's left", remedy: `ROLLBACK PREPARED 'it''s left'`, server: map[string]string{}, options: atOnce(),
			sql: `BEGIN; CREATE TABLE unfinished (); PREPARE TRANSACTION 'it''s left'`},
	}
}

func faultsOfServer() []fault {
	return []fault{
		{code: doctor.NotifyPrepare, of: "max_prepared_transactions", remedy: "log.ring"},
		{code: doctor.ServerTrackCounts, sql: `ALTER DATABASE {db} SET track_counts = off`},
		{code: doctor.ServerSynchronousCommit, sql: `ALTER DATABASE {db} SET synchronous_commit = off`},
		{code: doctor.ServerReplicationRole, of: "database {db}", remedy: "ALTER DATABASE {db} RESET session_replication_role", sql: `ALTER DATABASE {db} SET session_replication_role = replica`},
		{code: doctor.ServerReplicationRole, of: "in database {db}", remedy: `IN DATABASE {db} RESET session_replication_role`, sql: `ALTER ROLE "{few}" IN DATABASE {db} SET session_replication_role = replica`},
		{code: doctor.ConnectionsFew, of: "database {db}", sql: `ALTER DATABASE {db} CONNECTION LIMIT 2`},
		{code: doctor.ConnectionsLimit, of: "database {db}", sql: `ALTER DATABASE {db} CONNECTION LIMIT 10`},
		{code: doctor.ConnectionsUsed, of: "database {db}", hold: `SELECT 1`, sql: `ALTER DATABASE {db} CONNECTION LIMIT 4`, config: func(c *config.Config) { c.Database.PoolSize = 2 }},
		{code: doctor.ConnectionFailed, of: "database.migrate_url", config: func(c *config.Config) { c.Database.MigrateURL = "postgres://127.0.0.1:1/nowhere" }},
		{code: doctor.ClockDiffers, options: doctor.Options{Now: func() time.Time { return time.Now().Add(-time.Minute) }}},
	}
}
