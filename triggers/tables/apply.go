package tables

import (
	"context"
	"database/sql"

	"rowcall/triggers"
)

// Apply makes the changes, and calls done after each table. A step is one transaction between two writers, who wait
// for it 100 ms at most; where somebody holds a table for longer, the step is tried again. Apply may be called again
// after an error: what is done already is not part of the next Plan.
func Apply(ctx context.Context, db *sql.DB, c Changes, done func(Change)) error {
	for _, change := range c.Changes {
		for _, step := range change.Steps {
			if err := triggers.Replace(ctx, db, "apply the declaration of "+change.Table, step); err != nil {
				return err
			}
		}
		done(change)
	}
	return nil
}
