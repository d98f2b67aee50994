package doctor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rowcall/cmd/internal/node"
	"rowcall/config"
)

// repair is how a finding can be repaired without a decision of the operator's.
type repair int

const (
	repairNot repair = iota
	repairMigrate
	repairSequence
	repairTables
)

// Fix repairs those findings that need no decision, and returns what it did, or could not do, one sentence each. It
// never waits for a lock in front of writers for longer than a tenth of a second.
func Fix(ctx context.Context, c *config.Config, findings []Finding, log *slog.Logger) ([]string, error) {
	var did []string
	if names := named(findings, repairMigrate); len(names) > 0 {
		switch err := node.Migrate(ctx, c, false, log); {
		case ctx.Err() != nil:
			return did, ctx.Err()
		case err != nil:
			did = append(did, "rowcall migrate did not work: "+err.Error())
		default:
			did = append(did, "did what rowcall migrate does, for "+strings.Join(names, ", "))
		}
	}
	if len(named(findings, repairTables)) > 0 {
		switch names, err := fixTables(ctx, c); {
		case ctx.Err() != nil:
			return did, ctx.Err()
		case err != nil:
			did = append(did, "what rowcall apply does did not work: "+err.Error())
		default:
			did = append(did, "did what rowcall apply does, for "+strings.Join(names, ", ")+"; followers were told to read their state again if events may be missing")
		}
	}
	for _, sequence := range named(findings, repairSequence) {
		switch err := fixSequence(ctx, c, sequence); {
		case ctx.Err() != nil:
			return did, ctx.Err()
		case err != nil:
			did = append(did, "sequence "+sequence+" could not be changed: "+err.Error())
		default:
			did = append(did, "sequence "+sequence+" counts one by one again; sessions that are open keep their numbers until they end")
		}
	}
	return did, nil
}

// named are the objects of the findings that are repaired in a way.
func named(findings []Finding, how repair) []string {
	var names []string
	for _, f := range findings {
		if f.repair == how {
			names = append(names, strings.TrimSpace(f.Table+" "+f.Object))
		}
	}
	return names
}

// fixTries is how often a sequence is tried that others hold.
const fixTries = 100

func fixSequence(ctx context.Context, c *config.Config, sequence string) error {
	way, err := node.FindWay(ctx, "database.migrate_url", c.Database.Migrate())
	if err != nil {
		return err
	}
	conn, err := way.ConnectToRepair(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for try := 1; ; try++ {
		err := alterSequence(ctx, conn, sequence)
		const lockNotAvailable = "55P03"
		refused, ok := errors.AsType[*pgconn.PgError](err)
		if err == nil || try == fixTries || !ok || refused.Code != lockNotAvailable {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rand.N(200 * time.Millisecond)):
		}
	}
}

// alterSequence acts as the owner of the schema, where the role may. Writers wait behind it for a tenth of a second at
// most.
func alterSequence(ctx context.Context, conn *pgx.Conn, sequence string) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		const settle = `
			SELECT set_config('lock_timeout', '100ms', true), set_config('role', o.rolname, true)
			FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles o ON o.oid = n.nspowner
			WHERE n.nspname = 'rowcall' AND pg_catalog.pg_has_role(o.oid, 'MEMBER')`
		if _, err := tx.Exec(ctx, settle); err != nil {
			return fmt.Errorf("act as the owner of schema rowcall: %w", err)
		}
		_, err := tx.Exec(ctx, "ALTER SEQUENCE "+sequence+" CACHE 1 INCREMENT 1 NO CYCLE")
		return err
	})
}
