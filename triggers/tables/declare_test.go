package tables_test

import (
	"testing"

	"rowcall/config/rules"
	"rowcall/schema/schematest"
	"rowcall/triggers/tables"
)

// resolve resolves declarations that must fit the database.
func resolve(t testing.TB, db *schematest.Database, declared ...rules.Table) []tables.Table {
	t.Helper()
	found, err := tables.Resolve(t.Context(), db.DB(t), declared)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// topics are declared topics without access SQL.
func topics(patterns ...string) []rules.TableTopic {
	all := make([]rules.TableTopic, len(patterns))
	for i, p := range patterns {
		all[i] = rules.TableTopic{Topic: p, Allow: rules.AllowPublic}
	}
	return all
}
