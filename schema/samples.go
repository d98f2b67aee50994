package schema

import (
	"context"
	"database/sql"
	"embed"
)

//go:embed samples/*.sql
var samples embed.FS

// loadSamples fills the apps' tables, each file only where its tables are empty. Users come first.
func loadSamples(ctx context.Context, db *sql.DB) error {
	return runFiles(ctx, db, samples, []string{"samples/chat.sql", "samples/jobs.sql", "samples/patients.sql", "samples/dams.sql"})
}
