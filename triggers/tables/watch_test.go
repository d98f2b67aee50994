package tables_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rowcall/config/rules"
	"rowcall/schema/schematest"
	"rowcall/triggers/tables"
)

// Names are found as in SQL. What cannot be watched is an error where it is named, and left out of a whole schema.
func TestDeclareForWatch(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, shop)
	db.Exec(t, `CREATE TABLE sales.orders (id int PRIMARY KEY); CREATE TABLE sales.rowcall (id int PRIMARY KEY);
		CREATE FUNCTION sales.by_hand() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
		CREATE TABLE sales.hand (id int PRIMARY KEY);
		CREATE TRIGGER "0_rowcall" AFTER INSERT ON sales.hand FOR EACH ROW EXECUTE FUNCTION sales.by_hand()`)
	for _, c := range []struct {
		names []string
		topic string
		want  string // declarations, or the error
	}{
		{names: []string{"orders"}, want: "public.orders  [orders]"},
		{names: []string{"ORDERS", "public.orders"}, want: "public.orders  [orders]"},
		{names: []string{"orders"}, topic: "o/all", want: "public.orders  [o/all]"},
		{names: []string{"orders"}, topic: "shops/{shop}/orders", want: "public.orders  [shops/{shop}/orders shops]"},
		{names: []string{"orders", "sales.orders"}, want: "public.orders public_orders [public.orders]; sales.orders sales_orders [sales.orders]"},
		{names: []string{"sales.rowcall"}, want: "sales.rowcall sales_rowcall [rowcall]"},
		{names: []string{`"My Schema".*`}, want: `"My Schema"."Order.Items ""ä""" Order_Items%20%22%C3%A4%22 [Order.Items%20%22%C3%A4%22]; "My Schema".a23456789012345678901234567890123456789012345678901234567890123  [a23456789012345678901234567890123456789012345678901234567890123]`},
	} {
		t.Run(strings.Join(c.names, " ")+c.topic, func(t *testing.T) {
			declared, err := tables.DeclareForWatch(t.Context(), db.DB(t), c.names, tables.WatchOptions{Topic: c.topic, Allow: rules.AllowStaff})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range declared {
				var patterns []string
				for _, own := range d.Topics {
					patterns = append(patterns, own.Topic)
				}
				got = append(got, fmt.Sprintf("%s %s %v", d.Table, d.Name, patterns))
			}
			if strings.Join(got, "; ") != c.want {
				t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), c.want)
			}
		})
	}
}

// Errors about tables that cannot be watched say why, and what to do.
func TestDeclareForWatchRefuses(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, shop)
	db.Exec(t, `CREATE FUNCTION sales.by_hand() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
		CREATE TABLE sales.hand (id int PRIMARY KEY);
		CREATE TRIGGER "0_rowcall" AFTER INSERT ON sales.hand FOR EACH ROW EXECUTE FUNCTION sales.by_hand();
		CREATE TABLE sales.orders (id int PRIMARY KEY)`)
	apply(t, db, rules.Table{Table: "public.orders", Topics: topics("declared")})
	for _, c := range []struct {
		names, topic string
		want         []string
	}{
		{names: "nothing_such", want: []string{"there is no table nothing_such", "(public)"}},
		{names: "plain", want: []string{"search_path (public)", "write sales.plain"}},
		{names: "sales.Nothing", want: []string{"there is no table sales.Nothing", `"Nothing"`, "single quotes"}},
		{names: "sales.plain", want: []string{"sales.plain has no primary key", "create one"}},
		{names: "sales.seen", want: []string{"sales.seen is a view"}},
		{names: "sales.far", want: []string{"foreign table"}},
		{names: "sales.parted_eu", want: []string{"is a partition", "declare the partitioned table"}},
		{names: "sales.hand", want: []string{"of another origin"}},
		{names: "orders", want: []string{"public.orders is live already", "rowcall apply", "/live"}},
		{names: "nothing.*", want: []string{"nothing.*", "has no tables"}},
		{names: "a.b.c", want: []string{"a.b.c: name a table as"}},
		{names: `"open`, want: []string{"is not closed"}},
		{names: "rowcall.log", want: []string{"of the system's, or of Rowcall"}},
		{names: "sales.parent sales.orders", topic: "x", want: []string{"--topic goes with one table", "2 are named"}},
		{names: "sales.parent", topic: "{id}/x", want: []string{"begin it with a word"}},
		{names: "sales.parent", topic: "x/{other}", want: []string{`sales.parent has no column "other"`}},
		{names: "nothing_such sales.seen", want: []string{"there is no table nothing_such"}},
	} {
		t.Run(c.names+c.topic, func(t *testing.T) {
			declared, err := tables.DeclareForWatch(t.Context(), db.DB(t), strings.Fields(c.names), tables.WatchOptions{Topic: c.topic, Allow: rules.AllowStaff})
			if err == nil {
				t.Fatalf("got %+v, want an error", declared)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want %q in it", err, want)
				}
			}
		})
	}

	var left []string
	declared, err := tables.DeclareForWatch(t.Context(), db.DB(t), []string{"sales.*"}, tables.WatchOptions{Allow: rules.AllowStaff, LeftOut: func(reason string) { left = append(left, reason) }})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range declared {
		names = append(names, d.Table)
	}
	if want := "[sales.deferred sales.orders sales.parent sales.parted]"; fmt.Sprint(names) != want {
		t.Errorf("of the schema got %v, want %s", names, want)
	}
	for _, want := range []string{"sales.plain has no primary key", "sales.hand has a trigger", "sales.child has no primary key"} {
		if !slices.ContainsFunc(left, func(reason string) bool { return strings.HasPrefix(reason, want) }) {
			t.Errorf("left out are %q, want one that begins with %q", left, want)
		}
	}
}
