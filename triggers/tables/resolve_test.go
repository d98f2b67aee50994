package tables_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rowcall/config/rules"
	"rowcall/schema/schematest"
	"rowcall/triggers/tables"
)

func names(columns []tables.Column) string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = c.Name
	}
	return strings.Join(all, ",")
}

func TestResolve(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, shop)
	const uuids = `"My Schema"."Order.Items ""ä"""`
	for _, c := range []struct {
		name     string
		declared rules.Table
		key      string
		columns  string
		patterns string
	}{
		{"all columns", rules.Table{Table: "public.orders", Topics: topics("orders/{customer_id}", "shops/{shop}/orders", "days/{day}/{gift}/{state}/{note}")},
			"id", "id,customer_id,shop,state,day,gift,note,secret,total,twice", "orders/{customer_id:int} shops/{shop:uuid}/orders days/{day:text}/{gift:text}/{state:text}/{note:text}"},
		{"listed columns", rules.Table{Table: "public.orders", Columns: []string{"note", "state"}, Topics: topics("orders")}, "id", "id,note,state", "orders"},
		{"hidden columns", rules.Table{Table: "PUBLIC.Orders", Hide: []string{"secret", "total", "customer_id"}, Topics: topics("orders/{customer_id}")},
			"id", "id,shop,state,day,gift,note,twice", "orders/{customer_id:int}"},
		{"names of every kind", rules.Table{Table: uuids, Name: "items", Topics: topics("items/{orderId}/{größe}")},
			"Item Id", "Item Id,orderId,größe", "items/{orderId:int}/{größe:text}"},
		{"63 bytes", rules.Table{Table: `"My Schema".a23456789012345678901234567890123456789012345678901234567890123`, Topics: topics("a/{id}")}, "id", "id", "a/{id:int}"},
		{"a unique index beside a deferrable key", rules.Table{Table: "sales.deferred", Topics: topics("a/{code}")}, "code", "id,code", "a/{code:text}"},
		{"a partitioned table", rules.Table{Table: "sales.parted", Topics: topics("a")}, "region,id", "id,region", "a"},
		{"a declared key", rules.Table{Table: "sales.parted", Key: []string{"id", "region"}, Columns: []string{"region"}, Topics: topics("a")}, "id,region", "id,region", "a"},
	} {
		found := resolve(t, db, c.declared)[0]
		var patterns []string
		for _, topic := range found.Rules() {
			patterns = append(patterns, topic.Topic)
		}
		got := []string{names(found.Key), names(found.Columns), strings.Join(patterns, " ")}
		if diff := cmp.Diff([]string{c.key, c.columns, c.patterns}, got); diff != "" {
			t.Errorf("%s: key, columns and topics (-want +got):\n%s", c.name, diff)
		}
	}
}

// An entry for a schema stands for its tables, but not for partitions, views and tables that are declared besides.
func TestResolveSchema(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, shop)
	var got []string
	for _, table := range resolve(t, db,
		rules.Table{Table: "sales.*", Except: []string{"plain", "only_deferred", "partial", "child"}, Topics: topics("sales/{table}/{id}")},
		rules.Table{Table: "sales.deferred", Topics: topics("deferred")},
		rules.Table{Table: `"My Schema".*`, Except: []string{`"Order.Items ""ä"""`}, Topics: topics("mine/{table}")}) {
		got = append(got, table.SQL()+" "+table.Rules()[0].Topic)
	}
	want := []string{"sales.parent sales/parent/{id:int}", "sales.parted sales/parted/{id:int}", "sales.deferred deferred",
		`"My Schema".a23456789012345678901234567890123456789012345678901234567890123 mine/a23456789012345678901234567890123456789012345678901234567890123`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
}

// A problem with one table of a schema names the table once, and says how to leave the table out.
func TestResolveSchemaProblems(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE SCHEMA odd; CREATE TABLE odd.nokey (id int); CREATE TABLE odd.plain (id int PRIMARY KEY)`)
	_, err := tables.Resolve(t.Context(), db.DB(t), []rules.Table{{Table: "odd.*", Topics: topics("{table}"), Name: "no.name"}})
	wrong, _ := errors.AsType[rules.Problems](err)
	var got []string
	for _, p := range wrong {
		got = append(got, p.String())
	}
	want := []string{
		"tables[0].name: odd.nokey: ",
		"tables[0].key: odd.nokey has no primary key, and no unique index on columns that are NOT NULL: create one, or add nokey to except",
		"tables[0].name: odd.plain: ",
	}
	for i, text := range got {
		if i >= len(want) || !strings.HasPrefix(text, want[i]) || strings.Count(text, "odd.") != 1 {
			t.Errorf("problem %d is %q", i, text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d problems, want %d", len(got), len(want))
	}
}

// Problems are reported all at once, each with its key path, and say what to do.
func TestResolveProblems(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, shop)
	declared := []rules.Table{
		{Table: "public.nowhere"},
		{Table: "orders"},
		{Table: "sales.seen"}, {Table: "sales.stored"}, {Table: "sales.far"}, {Table: "sales.parted_eu"},
		{Table: "sales.plain"}, {Table: "sales.only_deferred"}, {Table: "sales.partial"},
		{Table: "rowcall.log"},
		{Table: "public.orders", Columns: []string{"id", "id", "nope"}, Hide: []string{"never"}, Order: "placed DESC", Key: []string{"note"}},
		{Table: "public.orders"},
		{Table: "sales.parent", Hide: []string{"id"}, Topics: topics("parent/{at}", "parent/{gone}")},
		{Table: "sales.deferred", Topics: []rules.TableTopic{{Topic: "x/{id}", Access: "SELECT @other"}}, Name: "parent"},
		{Table: "sales.parted", Topics: topics("a", "a/x/{id}", "a/y/{region}", "x/{region}", "b/{region}", "b/{id}/z")},
		{Table: "nothing.*"},
	}
	_, err := tables.Resolve(t.Context(), db.DB(t), declared)
	wrong, ok := errors.AsType[rules.Problems](err)
	if !ok {
		t.Fatalf("got %v, want rules.Problems", err)
	}
	want := []string{
		`tables[0].table: there is no table public.nowhere`,
		`tables[1].table: "orders": name the table with its schema`,
		`tables[2].table: sales.seen is a view`, `tables[3].table: sales.stored is a materialized view`,
		`tables[4].table: sales.far is a foreign table`, `tables[5].table: sales.parted_eu is a partition`,
		`tables[6].key: sales.plain has no primary key`, `tables[7].key: the key only_deferred_pkey of sales.only_deferred is DEFERRABLE`,
		`tables[8].key: sales.partial has no primary key`,
		`tables[9].table: rowcall is a schema of the system's`,
		`tables[10].key: no unique index of public.orders makes rows differ in note`,
		`tables[10].hide[0]: public.orders has no column "never"`,
		`tables[10].columns[1]: "id" is listed twice`, `tables[10].columns[2]: public.orders has no column "nope"`,
		`tables[10].order: public.orders has no column "placed"`,
		`tables[11].table: public.orders is declared under tables[10] already`,
		`tables[12].hide: "id" is a column of the key`,
		`tables[12].topics[0].topic: {at} is of type timestamp with time zone[]`, `tables[12].topics[1].topic: sales.parent has no column "gone"`,
		`tables[13].topics[0].access: names the parameter @other`,
		`tables[14].topics[0].topic: a is above both a/x/{id:int} and a/y/{region:text}`,
		`tables[14].topics[4].topic: b/{region:text} could be above b/{id:int}/z`,
		`tables[15].table: schema nothing has no tables that`,
		`tables[13].name: events of sales.parent and of sales.deferred`,
	}
	for i, p := range wrong {
		if i >= len(want) || !strings.HasPrefix(p.String(), want[i]) {
			t.Errorf("problem %d is %q, want %q", i, p, append(want, make([]string, len(wrong))...)[i])
		}
	}
	if len(wrong) < len(want) {
		t.Errorf("%d problems, want %d", len(wrong), len(want))
	}
}
