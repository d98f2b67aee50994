package node

import (
	"context"
	"log/slog"

	"rowcall/api/access"
	"rowcall/api/door"
	"rowcall/api/identity"
	"rowcall/config"
	"rowcall/notifier/dbconn"
)

// Access is what decides in a node who may follow what: for commands that ask the same questions. Close it afterwards.
type Access struct {
	Pool     *dbconn.Pool
	Accounts *identity.Accounts
	Topics   *access.Rules
}

// OpenAccess prepares what decides who may follow what, as a node does when it starts. It connects as the role that serves.
// The error is one sentence for the operator, or rules.Problems.
func OpenAccess(ctx context.Context, c *config.Config) (*Access, error) {
	silent := slog.New(slog.DiscardHandler)
	pool, err := openPool(ctx, c.Database, silent)
	if err != nil {
		return nil, err
	}
	door, err := door.New(doorOptions(c, silent))
	if err != nil {
		pool.Close()
		return nil, err
	}
	n := &Node{pool: pool, log: silent}
	topics, err := n.compileAccess(ctx, c, door)
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &Access{pool, n.accounts, topics}, nil
}

// Close closes the connections.
func (a *Access) Close() { a.Pool.Close() }
