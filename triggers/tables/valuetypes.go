package tables

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"fmt"
)

// ValueType is a type of values as the catalog describes it: what its values are in JSON follows from it. At most one of
// Element, Domain, Enum and Composite is set; a type without any is written as a number, a boolean, a string or, with JSON, as
// it is.
type ValueType struct {
	OID          uint32
	Schema, Name string

	Element    uint32 // of an array
	Domain     bool
	Behind     uint32 // the type that a domain is defined over
	NotNull    bool   // of a domain
	Dimensions int    // of a domain over an array
	JSON       bool   // values are JSON already
	Enum       bool
	Labels     []string // of an enum, in its order
	Composite  bool
	Fields     []Field // of a composite type
}

// Field is a field of a composite type. Its value may be NULL.
type Field struct {
	Name       string
	TypeOID    uint32
	Dimensions int // of an array, as it was declared
}

// IsSystem reports whether the type is one of PostgreSQL's own.
func (v ValueType) IsSystem() bool { return v.Schema == "pg_catalog" }

// valueTypesQuery reads some types, each as JSON.
//
//go:embed valuetypes.sql
var valueTypesQuery string

// ReadValueTypes reads types and all types that they are made of, in the order of their schemas and names. It needs no rights
// but to connect.
func ReadValueTypes(ctx context.Context, db *sql.DB, oids []uint32) ([]ValueType, error) {
	tx, err := begin(ctx, db)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // it only reads
	if oids == nil {
		oids = []uint32{}
	}
	list, err := json.Marshal(oids)
	if err != nil {
		return nil, fmt.Errorf("write the numbers of types: %w", err)
	}
	var all []ValueType
	err = eachText(ctx, tx, func(text string) error {
		var v ValueType
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return err
		}
		all = append(all, v)
		return nil
	}, valueTypesQuery, string(list))
	if err != nil {
		return nil, fmt.Errorf("read types from the catalog: %w", err)
	}
	return all, nil
}
