package doctor

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"rowcall/cmd/internal/node"
	"rowcall/config/rules"
	"rowcall/notifier"
)

func settingLooks() []look {
	return []look{
		{"settings of the server", false, lookAtSettings},
		{"settings of roles and databases", false, lookAtRoleSettings},
	}
}

// lookAtSettings compares settings of the server with what Rowcall relies on.
func lookAtSettings(ctx context.Context, e *examination, tx pgx.Tx) ([]Finding, error) {
	const query = `
		SELECT name, setting FROM pg_settings WHERE name IN ('track_counts', 'autovacuum', 'max_prepared_transactions', 'max_notify_queue_pages',
		    'synchronous_commit', 'idle_session_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')`
	values := map[string]string{}
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	var name, value string
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error {
		values[name] = value
		return nil
	})
	return judgeSettings(values, e.config.Log.Ring == string(notifier.RingNever)), err
}

// judgeSettings judges settings by name. A setting that the server does not have is missing.
func judgeSettings(values map[string]string, silent bool) []Finding {
	var found []Finding
	add := func(code, name, message, remedy string) {
		found = append(found, finding(code, "", name, name+" is "+values[name]+": "+message, remedy))
	}
	if values["track_counts"] == "off" {
		add(ServerTrackCounts, "track_counts", "a node notices changes of the catalog within a minute instead of two seconds, and autovacuum does not run", "ALTER SYSTEM SET track_counts = on; SELECT pg_reload_conf()")
	}
	if values["autovacuum"] == "off" {
		add(ServerAutovacuum, "autovacuum", "the log has no statistics, so that the planner may read whole slots for a few events", "ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf()")
	}
	if n, _ := strconv.Atoi(values["max_prepared_transactions"]); n > 0 && !silent {
		add(NotifyPrepare, "max_prepared_transactions", "a transaction that files events cannot be prepared while writers ring: PREPARE TRANSACTION fails", "set log.ring to never if writers use PREPARE TRANSACTION")
	}
	const pages = 1048576 // the size that it had before it was a setting
	if n, err := strconv.Atoi(values["max_notify_queue_pages"]); err == nil && n < pages {
		add(ServerNotifyQueue, "max_notify_queue_pages", "the queue of notifications fills sooner", fmt.Sprintf("ALTER SYSTEM SET max_notify_queue_pages = %d, and restart the server", pages))
	}
	if values["synchronous_commit"] == "off" {
		add(ServerSynchronousCommit, "synchronous_commit", "an event may be delivered whose transaction a crash of the server undoes; clients read their state again after it", "")
	}
	for _, name := range []string{"idle_session_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"} {
		if n, _ := strconv.Atoi(values[name]); n > 0 {
			add(ServerIdleTimeout, name, "it counts on this connection although nodes set it to 0: a pooler in between keeps it, and cuts off LISTEN and polls", "set "+name+" to 0 for the role that serves, or set database.direct_url")
		}
	}
	return found
}

// lookAtRoleSettings finds roles and databases whose sessions do not fire ordinary triggers.
func lookAtRoleSettings(ctx context.Context, _ *examination, tx pgx.Tx) ([]Finding, error) {
	const query = `
		SELECT concat_ws(' in ', CASE WHEN s.setrole <> 0 THEN format('role %I', pg_get_userbyid(s.setrole)) END, CASE WHEN s.setdatabase <> 0 THEN format('database %I', current_database()) END),
		       concat(CASE WHEN s.setrole = 0 THEN format('ALTER DATABASE %I', current_database()) ELSE format('ALTER ROLE %I', pg_get_userbyid(s.setrole)) END,
		              CASE WHEN s.setrole <> 0 AND s.setdatabase <> 0 THEN format(' IN DATABASE %I', current_database()) END, ' RESET session_replication_role'), c
		FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c
		WHERE c IN ('session_replication_role=replica', 'session_replication_role=local')
		  AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
		UNION ALL
		SELECT 'the server', 'ALTER SYSTEM RESET session_replication_role; SELECT pg_reload_conf()', 'session_replication_role=' || setting
		FROM pg_settings WHERE name = 'session_replication_role' AND source = 'configuration file' AND setting <> 'origin'`
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Finding, error) {
		var of, remedy, value string
		err := row.Scan(&of, &remedy, &value)
		return finding(ServerReplicationRole, "", of, value+" is set for "+of+": in its sessions only triggers fire that are ENABLE ALWAYS or ENABLE REPLICA, and foreign keys are not checked", remedy), err
	})
}

// lookAtConfigured compares topics, users, resources and functions of the configuration with the database, as a node does.
func lookAtConfigured(ctx context.Context, e *examination, _ pgx.Tx) ([]Finding, error) {
	if e.way(e.config.Database.URL) == nil || e.hasCode(PoolerTransaction) {
		return nil, nil // a node does not get so far
	}
	err := node.CheckSettings(ctx, e.config)
	if problems, ok := errors.AsType[rules.Problems](err); ok {
		var found []Finding
		for _, p := range problems {
			found = append(found, finding(SettingUnfit, "", p.Key, p.Key+" does not fit the database: "+p.Text, "change the setting, or the database"))
		}
		return found, nil
	}
	if err != nil && ctx.Err() == nil {
		return []Finding{finding(SettingUnfit, "", "", "a node does not start with this configuration: "+err.Error(), "")}, nil
	}
	return nil, err
}

// hasCode reports whether something was found under a code.
func (e *examination) hasCode(code string) bool {
	for _, f := range e.findings {
		if f.Code == code {
			return true
		}
	}
	return false
}
