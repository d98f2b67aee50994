package node

import (
	"context"
	"fmt"

	"rowcall/config"
	"rowcall/notifier"
	"rowcall/schema"
)

// NewHistory begins a new history of the log, so that every client is told to read its state anew.
// It returns the name of the epoch. The role needs the rights of rowcall_server.
func NewHistory(ctx context.Context, c *config.Config) (epoch string, err error) {
	db, err := openDatabase(ctx, c.Database.Direct(), c.Database)
	if err != nil {
		return "", err
	}
	defer db.Close()
	var found *string
	if err := db.QueryRowContext(ctx, `SELECT rowcall.new_epoch()`).Scan(&found); err != nil {
		if isDenied(err) {
			err = explainDenied(ctx, db, schema.Needs{}, err)
		}
		return "", fmt.Errorf("begin a new history: %w", err)
	}
	if found == nil {
		return "", fmt.Errorf("begin a new history: %w", notifier.ErrForeignLog)
	}
	return *found, nil
}
