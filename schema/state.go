package schema

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
)

// State is how the tables of a database compare with those that this version wants.
type State struct {
	Missing bool     // there is no schema rowcall, or no migration was ever applied
	Pending []string // folder and version of each migration that was not applied, such as core/3
	Unknown []string // migrations that were applied and that this version does not have: a newer version migrated
	Gone    []string // tables, indexes and sequences of applied migrations that are not there, with their schema
}

// Compare reads the state of a database. It writes nothing, and needs no rights but those of rowcall_server.
func Compare(ctx context.Context, db *sql.DB, apps bool) (State, error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return State{}, fmt.Errorf("begin a transaction: %w", err)
	}
	defer tx.Rollback() // it only reads
	var s State
	const exists = `SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('rowcall') AND relname = 'core_migrations')`
	var migrated bool
	if err := tx.QueryRowContext(ctx, exists).Scan(&migrated); err != nil {
		return s, fmt.Errorf("look for schema rowcall: %w", err)
	}
	if !migrated {
		s.Missing = true
		return s, nil
	}
	for _, h := range histories(apps) {
		if err := s.compare(ctx, tx, h); err != nil {
			return s, err
		}
	}
	return s, nil
}

// compare adds the differences of one migration history (core or apps).
func (s *State) compare(ctx context.Context, tx *sql.Tx, h history) error {
	files, err := h.files()
	if err != nil {
		return err
	}
	applied, err := h.applied(ctx, tx)
	if err != nil {
		return err
	}
	there, err := h.owners(ctx, tx)
	if err != nil {
		return err
	}
	delete(applied, "0") // the row that goose begins with
	for _, m := range files {
		if _, done := applied[m.version]; !done {
			s.Pending = append(s.Pending, h.folder+"/"+m.version)
			continue
		}
		delete(applied, m.version)
		for _, r := range m.creates {
			_, found := there[r.name]
			if !found && (r.table || h.schema == "rowcall") { // indexes of the applications are not checked
				s.Gone = append(s.Gone, h.schema+"."+r.name)
			}
		}
	}
	for _, version := range slices.Sorted(maps.Keys(applied)) {
		s.Unknown = append(s.Unknown, h.folder+"/"+version)
	}
	return nil
}

// MayMigrate returns nil if the role of the connection may migrate the database as it is now. The error says what it
// lacks, and which statement helps. It writes nothing.
func MayMigrate(ctx context.Context, db *sql.DB, apps bool) error {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	defer tx.Rollback() // it only reads
	found, err := look(ctx, tx)
	if err != nil {
		return err
	}
	return found.refuse(ctx, tx, apps)
}
