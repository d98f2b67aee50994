package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

func logLooks() []look {
	return []look{
		{"the sequences of the log", true, lookAtSequences},
		{"the last id of the log", true, lookAtLastID},
		{"the end of filing", true, lookAtAlive},
		{"the size of the log", true, lookAtSize},
		{"locks on the log", true, lookAtLocks},
		{"the floor of the log", true, lookAtFloor},
		{"the name of the log's history", true, lookAtHistory},
		{"subscriptions to the log of another database", true, lookAtSubscriptions},
	}
}

// lookAtSequences finds sequences that hand out values in advance: a session that keeps ids back files later events
// under earlier ids.
func lookAtSequences(ctx context.Context, _ *examination, tx pgx.Tx) ([]Finding, error) {
	const query = `
		SELECT c.relname::text FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
		WHERE c.relnamespace = to_regnamespace('rowcall') AND c.relname IN ('log_id', 'state')
		  AND (s.seqcache <> 1 OR s.seqincrement <> 1 OR s.seqcycle) ORDER BY 1`
	names, err := queryRows(ctx, tx, pgx.RowTo[string], query)
	var found []Finding
	for _, name := range names {
		f := finding(SequenceCache, "", "rowcall."+name, "sequence rowcall."+name+" does not count one by one: with a cache sessions file later events under earlier ids, and readers get them in the wrong order",
			"ALTER SEQUENCE rowcall."+name+" CACHE 1 INCREMENT 1 NO CYCLE; sessions that are open keep their numbers until they end")
		f.repair = repairSequence
		found = append(found, f)
	}
	return found, err
}

// lookAtLastID finds a sequence that was put back, as by a restore of parts.
func lookAtLastID(ctx context.Context, _ *examination, tx pgx.Tx) ([]Finding, error) {
	const query = `
		SELECT greatest(l.id, 0), s.last_value FROM rowcall.log_id s
		LEFT JOIN LATERAL (SELECT id FROM rowcall.log ORDER BY xid DESC LIMIT 1) l ON true`
	var id, last int64
	if err := tx.QueryRow(ctx, query).Scan(&id, &last); err != nil {
		return nil, err
	}
	if id <= last {
		return nil, nil
	}
	return []Finding{finding(SequenceBehind, "", "rowcall.log_id",
		fmt.Sprintf("sequence rowcall.log_id is at %d, and the log has an event with id %d: new events get ids of earlier ones, and readers get them in the wrong order", last, id),
		fmt.Sprintf("SELECT setval('rowcall.log_id', %d); then rowcall new-history", id+1000))}, nil
}

// lookAtAlive finds a log that was abandoned, and says when no node is connected.
func lookAtAlive(ctx context.Context, _ *examination, tx pgx.Tx) ([]Finding, error) {
	const query = `
		SELECT to_timestamp(a.until), a.until < extract(epoch FROM clock_timestamp()),
		       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rowcall poller')
		FROM (SELECT rowcall.files_until() AS until) a`
	var until time.Time
	var over bool
	var nodes int
	if err := tx.QueryRow(ctx, query).Scan(&until, &over, &nodes); err != nil {
		return nil, err
	}
	at := until.UTC().Format(time.RFC3339)
	switch {
	case over:
		return []Finding{finding(LogAbandoned, "rowcall.log", "rowcall.state", "no node was seen for log.abandon: since "+at+" changes file no events",
			"start a node with rowcall serve: it begins a new history, and clients read their state again")}, nil
	case nodes == 0:
		return []Finding{finding(NodeNone, "", "", "no node is connected to this database: events are filed until "+at+", and nobody delivers them", "rowcall serve")}, nil
	}
	return nil, nil
}

// lookAtSize compares the log with what retention should keep.
func lookAtSize(ctx context.Context, e *examination, tx pgx.Tx) ([]Finding, error) {
	const query = `SELECT coalesce(log_bytes, 0), coalesce(extract(epoch FROM clock_timestamp() - log_since), 0)::float8 FROM rowcall.log_state()`
	var bytes int64
	var seconds float64
	if err := tx.QueryRow(ctx, query).Scan(&bytes, &seconds); err != nil {
		return nil, err
	}
	age := time.Duration(seconds * float64(time.Second))
	keep := e.config.Log
	var found []Finding
	if bytes > int64(keep.KeepBytes)*3/2 {
		found = append(found, finding(LogLarge, "rowcall.log", "", fmt.Sprintf("the log takes %d MiB, and log.keep_bytes is %s: retention is refused, or writers file faster than it empties slots", bytes>>20, keep.KeepBytes),
			"end what locks the log (log.locked); else lower what is written, or raise log.keep_bytes"))
	}
	if age > 3*keep.Keep {
		found = append(found, finding(LogOld, "rowcall.log", "", fmt.Sprintf("the oldest event of the log is %s old, and log.keep is %s: retention does not empty slots", age.Round(time.Second), keep.Keep),
			"see that a node runs, and end what locks the log (log.locked)"))
	}
	return found, nil
}

// lookAtLocks finds sessions that have held a lock on the log for long: retention cannot empty that slot.
func lookAtLocks(ctx context.Context, e *examination, tx pgx.Tx) ([]Finding, error) {
	const query = `
		SELECT a.pid, coalesce(a.usename, '')::text, coalesce(a.application_name, ''), coalesce(a.state, ''),
		       extract(epoch FROM clock_timestamp() - a.xact_start)::float8, string_agg(DISTINCT c.relname, ', ')
		FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_class c ON c.oid = l.relation
		WHERE l.granted AND l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
		  AND c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = (SELECT oid FROM pg_class WHERE relname = 'log' AND relnamespace = to_regnamespace('rowcall')))
		  AND a.pid <> pg_backend_pid() AND a.xact_start <= clock_timestamp() - make_interval(secs => $1)
		GROUP BY 1, 2, 3, 4, 5 ORDER BY 5 DESC`
	rows, err := tx.Query(ctx, query, e.options.Long.Seconds())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Finding, error) {
		var s session
		var slots string
		err := row.Scan(&s.PID, &s.Role, &s.Application, &s.State, &s.Seconds, &slots)
		return finding(LogLocked, "rowcall.log", s.name(), fmt.Sprintf("%s has held locks on %s for %s: retention cannot empty these slots, so the log grows", s, slots, s.age()), s.terminate()), err
	})
}

// lookAtFloor finds a floor that is missing, or of another history.
func lookAtFloor(ctx context.Context, _ *examination, tx pgx.Tx) ([]Finding, error) {
	const query = `SELECT count(*), coalesce(bool_or(xid >= pg_snapshot_xmax(pg_current_snapshot())), false) FROM rowcall.floor`
	var rows int
	var ahead bool
	if err := tx.QueryRow(ctx, query).Scan(&rows, &ahead); err != nil {
		return nil, err
	}
	switch {
	case rows == 0:
		return []Finding{finding(LogFloor, "rowcall.floor", "", "rowcall.floor has no row: nodes cannot tell whether retention has dropped events of a cursor",
			"INSERT INTO rowcall.floor (xid, snap) VALUES ('0', pg_current_snapshot()); then rowcall new-history")}, nil
	case ahead:
		return []Finding{finding(LogFloor, "rowcall.floor", "", "rowcall.floor names a transaction that this server has not begun yet: it came in with a dump, or files were put back",
			"rowcall new-history")}, nil
	}
	return nil, nil
}

// lookAtHistory says when the log's history has no name that counts.
func lookAtHistory(ctx context.Context, _ *examination, tx pgx.Tx) ([]Finding, error) {
	const query = `
		SELECT count(*), count(*) FILTER (WHERE b.database_oid = d.oid AND b.table_oid = b.tableoid AND b.made = b.xmin AND b.system_identifier = c.system_identifier)
		FROM rowcall.boot b, pg_database d, pg_control_system() c WHERE d.datname = current_database()`
	var rows, good int
	if err := tx.QueryRow(ctx, query).Scan(&rows, &good); err != nil {
		return nil, err
	}
	switch {
	case good > 0:
		return nil, nil
	case rows == 0:
		return []Finding{finding(LogHistory, "rowcall.boot", "", "the log's history has no name yet: no node has connected since the schema was made, or since a crash or a restore. The next node names it, and clients with older cursors read their state again", "rowcall serve")}, nil
	}
	return []Finding{finding(LogHistory, "rowcall.boot", "", "the name of the log's history came in with a dump: the next node empties the log that came with it and begins a new history", "rowcall serve")}, nil
}

// lookAtSubscriptions finds subscriptions that bring the log of another database into this log.
func lookAtSubscriptions(ctx context.Context, _ *examination, tx pgx.Tx) ([]Finding, error) {
	const query = `
		SELECT r.srrelid::regclass::text FROM pg_subscription_rel r JOIN pg_class c ON c.oid = r.srrelid
		WHERE c.relnamespace = 'rowcall'::regnamespace ORDER BY 1`
	rows, _ := tx.Query(ctx, query)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) == 0 {
		return nil, err
	}
	return []Finding{finding(LogReplicated, tables[0], "", "a subscription writes into "+strings.Join(tables, ", ")+": events of another database are delivered here, late and under ids that are taken",
		"publish your own tables there, by name or FOR TABLES IN SCHEMA public, instead of FOR ALL TABLES; ALTER SUBSCRIPTION ... REFRESH PUBLICATION; then rowcall new-history")}, nil
}
