package node

import (
	"context"
	"log/slog"

	"rowcall/api/access"
	"rowcall/api/door"
	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/cmd/internal/typescript"
	"rowcall/config"
	"rowcall/config/rules"
	"rowcall/notifier/dbconn"
	"rowcall/triggers/tables"
)

// DescribeTopics reads from the catalog what the rows and events of all topics of the configuration are made of. It changes
// nothing, and does not ask what was applied. The error is a rules.Problems if the configuration does not fit the database.
func DescribeTopics(ctx context.Context, c *config.Config, log *slog.Logger) (typescript.Model, error) {
	var m typescript.Model
	pool, err := openPool(ctx, c.Database, log)
	if err != nil {
		return m, err
	}
	defer pool.Close()
	db := pool.SQL()
	defer db.Close()
	if m.Tables, err = tables.Resolve(ctx, db, c.Tables); err != nil {
		return m, misfitOr(err, "reading declared tables")
	}
	if m.Listed, err = describeListed(ctx, pool, c, log); err != nil {
		return m, err
	}
	if m.Types, err = tables.ReadValueTypes(ctx, db, m.TypesNeeded()); err != nil {
		return m, problem.OfDatabase("reading types", err)
	}
	return m, nil
}

// describeListed describes the topics that the configuration lists beside the tables.
func describeListed(ctx context.Context, pool *dbconn.Pool, c *config.Config, log *slog.Logger) ([]typescript.ListedTopic, error) {
	if len(c.Topics) == 0 {
		return nil, nil
	}
	d, err := door.New(doorOptions(c, log))
	if err != nil {
		return nil, err
	}
	accounts, err := identity.New(ctx, pool, d, accountOptions(c, nil, log))
	if err != nil {
		return nil, err
	}
	var wrong rules.Problems
	all := make([]typescript.ListedTopic, len(c.Topics))
	for i, source := range c.Topics {
		columns, err := access.SnapshotColumns(ctx, pool, source, accounts.UserKind())
		if err := access.AddProblem(&wrong, source.At(i)+".snapshot", err); err != nil {
			return nil, err
		}
		all[i].Pattern = source.Topic
		for _, column := range columns {
			all[i].Columns = append(all[i].Columns, tables.Field{Name: column.Name, TypeOID: column.DataTypeOID})
		}
	}
	return all, wrong.Err()
}
