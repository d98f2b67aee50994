package doctor

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// connectionLimit is how many connections something allows; -1: any number.
type connectionLimit struct {
	of    string
	limit int
	used  int
}

// neededConnections is what each node holds from its start to its end: LISTEN, polls, and one of the pool.
const neededConnections = 3

// lookAtConnections compares what nodes need with what the server, the database and the role allow.
func lookAtConnections(ctx context.Context, e *examination, tx pgx.Tx) ([]Finding, error) {
	const query = `
		SELECT 'the server (max_connections)', current_setting('max_connections')::int
		           - current_setting('superuser_reserved_connections')::int - coalesce(current_setting('reserved_connections', true)::int, 0),
		       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int
		UNION ALL
		SELECT format('database %I', datname), datconnlimit,
		       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend')::int
		FROM pg_database WHERE datname = current_database()
		UNION ALL
		SELECT format('role %I', rolname), rolconnlimit, (SELECT count(*) FROM pg_stat_activity WHERE usesysid = r.oid)::int
		FROM pg_roles r WHERE rolname = $1 AND NOT rolsuper`
	serving := ""
	if way := e.way(e.config.Database.URL); way != nil {
		serving = way.User
	}
	rows, err := tx.Query(ctx, query, serving)
	if err != nil {
		return nil, err
	}
	limits, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l connectionLimit, err error) {
		return l, row.Scan(&l.of, &l.limit, &l.used)
	})
	var found []Finding
	for _, l := range limits {
		found = append(found, l.judge(e.config.Database.PoolSize)...)
	}
	return found, err
}

func (l connectionLimit) judge(pool int) []Finding {
	remedy := fmt.Sprintf("allow at least %d connections for each node, or lower database.pool_size", pool+2)
	switch {
	case l.limit < 0:
		return nil
	case l.limit < neededConnections:
		return []Finding{finding(ConnectionsFew, "", l.of, fmt.Sprintf("%s allows %d connections, and a node needs %d: it does not become ready", l.of, l.limit, neededConnections), remedy)}
	case l.limit < pool+2:
		return []Finding{finding(ConnectionsLimit, "", l.of, fmt.Sprintf("%s allows %d connections, and a node uses up to %d (database.pool_size and two): requests wait for connections", l.of, l.limit, pool+2), remedy)}
	case l.limit-l.used < neededConnections:
		return []Finding{finding(ConnectionsUsed, "", l.of, fmt.Sprintf("%d of the %d connections of %s are in use: a node that loses its connections does not get them back", l.used, l.limit, l.of), "end sessions that are idle, or allow more connections")}
	}
	return nil
}
