package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"rowcall/cmd/internal/node"
	"rowcall/config"
	"rowcall/notifier/dbconn"
	"rowcall/schema"
)

// setting is a way to the database as the configuration names it.
type setting struct {
	key string
	dsn config.DSN
}

// settings are the ways that differ, the one that needs no pooler first.
func settings(d config.Database) []setting {
	all := []setting{{"database.direct_url", d.DirectURL}, {"database.url", d.URL}, {"database.migrate_url", d.MigrateURL}}
	var ways []setting
	seen := map[config.DSN]bool{"": true}
	for _, s := range all {
		if !seen[s.dsn] {
			seen[s.dsn] = true
			ways = append(ways, s)
		}
	}
	return ways
}

// connect finds the ways that connect, and connects by the first. It does not connect to a server that is too old. The
// error is that no way connects.
func (e *examination) connect(ctx context.Context) error {
	var first error
	configured := settings(e.config.Database)
	if len(configured) == 0 {
		_, err := node.ParseDSN("")
		return err
	}
	for _, s := range configured {
		within, cancel := context.WithTimeout(ctx, lookPatience)
		way, err := node.FindWay(within, s.key, s.dsn)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, schema.ErrTooOld) {
			e.findings = []Finding{finding(ServerTooOld, "", s.key, err.Error(), "upgrade the server")}
			return nil
		}
		if err != nil {
			first = cmp.Or(first, err)
			e.findings = append(e.findings, finding(ConnectionFailed, "", s.key, err.Error(), "correct "+s.key))
			continue
		}
		e.ways = append(e.ways, way)
		e.judgePooler(way)
	}
	if len(e.ways) == 0 {
		return first
	}
	var err error
	e.conn, err = e.ways[0].Connect(ctx)
	return err
}

// judgePooler compares what stands in between with what the configuration allows there.
func (e *examination) judgePooler(way *node.Way) {
	d := e.config.Database
	pooled := way.Pooling() == dbconn.TransactionPooling
	only := way.Setting == "database.url" && d.DirectURL == "" || way.Setting != "database.url"
	switch {
	case pooled && only:
		e.findings = append(e.findings, finding(PoolerTransaction, "", way.Setting,
			fmt.Sprintf("%s leads through a pooler at %s that gives each transaction another connection: LISTEN, polls, locks and migrations need a session, so nodes do not start", way.Setting, way.Address),
			"set database.direct_url to an address of the server itself, or of a pooler in session mode"))
	case pooled && d.Pooler == config.PoolerNone:
		e.findings = append(e.findings, finding(PoolerUndeclared, "", "database.pooler",
			fmt.Sprintf("database.pooler is none, and %s leads through a pooler at %s: statements fail or run with settings of others", way.Setting, way.Address),
			"set database.pooler to auto or transaction"))
	}
}

// way returns the way that the configuration uses for a purpose; nil if it does not connect.
func (e *examination) way(dsn config.DSN) *node.Way {
	for _, s := range settings(e.config.Database) {
		for _, w := range e.ways {
			if s.dsn == dsn && w.Setting == s.key {
				return w
			}
		}
	}
	return nil
}
