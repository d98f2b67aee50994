package tables

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// trigger is a trigger of a table or of a partition.
type trigger struct {
	Relation uint32
	Name     string
	Type     int    // pg_trigger.tgtype
	Enabled  string // pg_trigger.tgenabled
	Schema   string // of its function
	Function string
	Plain    bool   // without arguments, conditions and lists of columns
	OldTable string // the name of the transition table; empty: none
	NewTable string
}

// triggerPlace tells triggers apart.
type triggerPlace struct {
	relation uint32
	name     string
}

// The bits of trigger.Type.
const (
	forEachRow = 1
	before     = 2
	onInsert   = 4
	onDelete   = 8
	onUpdate   = 16
	onTruncate = 32
)

// state is what a database has of declared tables.
type state struct {
	functions functions
	triggers  map[triggerPlace]trigger
	wanted    map[uint32][]string // the names of the triggers that declared tables and their partitions are to have
	notOwned  map[uint32]string   // relations that the present role may not change, and their owners
	role      string
	owner     string // of schema rowcall; empty where it is not there
}

// triggersQuery reads the triggers with our names on some relations, each as JSON.
const triggersQuery = `
	SELECT json_build_object(
		'Relation', t.tgrelid::bigint, 'Name', t.tgname, 'Type', t.tgtype, 'Enabled', t.tgenabled, 'Schema', n.nspname, 'Function', p.proname,
		'Plain', t.tgnargs = 0 AND t.tgqual IS NULL AND t.tgattr::text = '' AND t.tgconstraint = 0,
		'OldTable', coalesce(t.tgoldtable, ''), 'NewTable', coalesce(t.tgnewtable, ''))::text
	FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
	WHERE t.tgname LIKE '0\_rowcall%' AND t.tgrelid IN (SELECT value::text::oid FROM json_array_elements($1::json))`

// notOwnedQuery reads the owners of those relations that the present role may not change.
const notOwnedQuery = `
	SELECT json_build_object('Relation', c.oid::bigint, 'Owner', r.rolname)::text
	FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
	WHERE c.oid IN (SELECT value::text::oid FROM json_array_elements($1::json)) AND NOT pg_has_role(r.oid, 'USAGE')`

func readState(ctx context.Context, tx *sql.Tx, declared []Table) (*state, error) {
	const roles = `SELECT current_user, coalesce((SELECT r.rolname FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE n.nspname = 'rowcall'), '')`
	s := &state{triggers: map[triggerPlace]trigger{}, wanted: map[uint32][]string{}, notOwned: map[uint32]string{}}
	if err := tx.QueryRowContext(ctx, roles).Scan(&s.role, &s.owner); err != nil {
		return nil, fmt.Errorf("ask for roles: %w", err)
	}
	var err error
	if s.functions, err = readFunctions(ctx, tx); err != nil {
		return nil, err
	}
	for _, t := range declared {
		for _, b := range t.tableAndPartitions() {
			for _, w := range t.wantedTriggers(b) {
				s.wanted[b.OID] = append(s.wanted[b.OID], w.name)
			}
		}
	}
	relations := slices.AppendSeq([]uint32{}, maps.Keys(s.wanted))
	for _, t := range declared {
		for _, stray := range s.strays(t) {
			relations = append(relations, stray.Relation)
		}
	}
	list, _ := json.Marshal(relations) // numbers
	err = eachText(ctx, tx, func(text string) error {
		var own trigger
		err := json.Unmarshal([]byte(text), &own)
		s.triggers[triggerPlace{own.Relation, own.Name}] = own
		return err
	}, triggersQuery, string(list))
	if err != nil {
		return nil, fmt.Errorf("read triggers: %w", err)
	}
	err = eachText(ctx, tx, func(text string) error {
		var notOwned struct {
			Relation uint32
			Owner    string
		}
		err := json.Unmarshal([]byte(text), &notOwned)
		s.notOwned[notOwned.Relation] = notOwned.Owner
		return err
	}, notOwnedQuery, string(list))
	if err != nil {
		return nil, fmt.Errorf("read owners of tables: %w", err)
	}
	return s, nil
}

// tableAndPartitions are the table itself and its partitions, on every level.
func (t Table) tableAndPartitions() []partition {
	own := partition{OID: t.relation.OID, Schema: t.Schema, Name: t.Name, Kind: t.relation.Kind}
	return append([]partition{own}, t.relation.Partitions...)
}

// find returns the trigger of a relation, or nil.
func (s *state) find(relation uint32, name string) *trigger {
	found, is := s.triggers[triggerPlace{relation, name}]
	if !is {
		return nil
	}
	return &found
}

// generated reports whether a trigger executes a function that Rowcall has generated.
func (s *state) generated(t *trigger) bool {
	if t.Schema != "rowcall" {
		return false
	}
	f := s.functions.named(t.Function)
	return f != nil && (f.made != nil || strings.Contains(f.Name, ".")) // core and apps have no such names
}
