package rules

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// orders is a declaration without mistakes.
func orders() Table {
	return Table{Table: "public.orders", Topics: []TableTopic{{Topic: "orders/{customerId}", Allow: AllowAuthenticated, Access: "SELECT @customerId = @me AS allowed"}}}
}

// checkedTables returns what the checks find wrong with declarations beside the topics of kinds.
func checkedTables(tables ...Table) []string {
	var found Problems
	CheckTables(tables, kinds(), &found)
	lines := make([]string, len(found))
	for i, problem := range found {
		lines[i] = problem.String()
	}
	return lines
}

// expectTables fails the test unless each problem begins with the text at its place in want.
func expectTables(t *testing.T, tables []Table, want ...string) {
	t.Helper()
	if got := checkedTables(tables...); !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("%+v:\ngot  %q\nwant %q", tables, got, want)
	}
}

func TestDeclarationOfATable(t *testing.T) {
	t.Parallel()
	with := func(change func(*Table), want ...string) {
		t.Helper()
		own := orders()
		change(&own)
		expectTables(t, []Table{own}, want...)
	}
	with(func(*Table) {})
	with(func(t *Table) {
		t.Table, t.Columns, t.Key = `"Sales".orders`, []string{"Total", "order no"}, []string{"id"}
	})
	with(func(t *Table) {
		t.Hide, t.On, t.Order, t.Limit = []string{"secret"}, []string{OnUpdate, OnDelete}, "placed_at DESC", 5
		t.Numbers, t.Mode, t.Name = NumbersText, ModeStatement, "shop_orders"
	})
	with(func(t *Table) {
		t.Topics = nil
		t.Revalidate = []Revalidate{{Topic: "room/{room_id}", User: "user_id"}}
	})

	with(func(t *Table) { t.Table = "" }, `tables[0].table: is missing`)
	with(func(t *Table) { t.Table = "orders" }, `tables[0].table: "orders": name the table with its schema, such as public.orders`)
	with(func(t *Table) { t.Table = "a.b.c" }, `tables[0].table: "a.b.c": name the table with its schema`)
	with(func(t *Table) { t.Table = `a."b` }, `tables[0].table: a."b: a double quote is not closed`)
	with(func(t *Table) { t.Except = []string{"x"} }, `tables[0].except: belongs to a whole schema`)
	with(func(t *Table) { t.Topics = nil }, `tables[0].topics: is missing`)
	with(func(t *Table) { t.Columns, t.Hide = []string{"a"}, []string{"b"} }, `tables[0].hide: does not go together with columns`)
	with(func(t *Table) { t.Columns = []string{`"a"`, "", "b", "b"} },
		`tables[0].columns[0]: "a": write the name of the column without quotes`, `tables[0].columns[1]: is empty`, `tables[0].columns[3]: "b" is listed twice`)
	with(func(t *Table) { t.Key, t.Hide = []string{"id"}, []string{"id"} }, `tables[0].key[0]: "id" is listed under hide too`)
	with(func(t *Table) { t.On = []string{"insert", "truncate", "insert"} },
		`tables[0].on[1]: "truncate" is not one of insert, update, delete`, `tables[0].on[2]: "insert" is listed twice`)
	with(func(t *Table) { t.Order = "id SIDEWAYS, id SIDEWAYS" }, `tables[0].order: names the column id SIDEWAYS twice`)
	with(func(t *Table) { t.Limit = -1 }, `tables[0].limit: -1 is out of range: give 1 to 1000000, or leave it out for 10000`)
	with(func(t *Table) { t.Limit = math.MaxInt }, `tables[0].limit: `)
	with(func(t *Table) { t.Numbers, t.Mode = "float", "bulk" },
		`tables[0].numbers: "float" is not one of json, text`, `tables[0].mode: "bulk" is not one of row, statement`)
	with(func(t *Table) { t.Name = "a.b" }, `tables[0].name: "a.b" is the first word of the types of events`)
	with(func(t *Table) { t.Table = "public.rowcall" }, `tables[0].name: "rowcall" begins the types that are Rowcall's own`)
	with(func(t *Table) { t.Revalidate = []Revalidate{{Topic: "wards/{id}", User: `"u"`}, {}} },
		`tables[0].revalidate[0].topic: "wards/{id}": no topic of this form, nor one below it, is listed under topics or tables`,
		`tables[0].revalidate[0].user: "u": write the name of the column without quotes`, `tables[0].revalidate[1].topic: is missing`)
	with(func(t *Table) { t.Revalidate = []Revalidate{{Topic: "orders"}, {Topic: "orders/{x}/{y}"}} },
		`tables[0].revalidate[1].topic: "orders/{x}/{y}": no topic of this form`)
}

func TestTopicsOfADeclaration(t *testing.T) {
	t.Parallel()
	with := func(topic TableTopic, want ...string) {
		t.Helper()
		expectTables(t, []Table{{Table: "public.orders", Topics: []TableTopic{topic}}}, want...)
	}
	with(TableTopic{Topic: "orders/{größe}", Access: "SELECT @größe = 'L' AS allowed"})
	with(TableTopic{}, `tables[0].topics[0].topic: is missing`)
	with(TableTopic{Topic: "orders/{id:int}"}, `tables[0].topics[0].topic: "orders/{id:int}": leave the type out of {id:int}`)
	with(TableTopic{Topic: "orders/{order no}"}, `tables[0].topics[0].topic: "orders/{order no}" has a parameter "order no"`)
	with(TableTopic{Topic: "orders/{me}"}, `tables[0].topics[0].topic: "orders/{me}": @me is the follower's own`)
	with(TableTopic{Topic: "orders/{id}", Allow: "members", Access: "SELECT @customer"},
		`tables[0].topics[0].allow: "members" is not one of`, `tables[0].topics[0].access: names the parameter @customer, which does not exist`)
	with(TableTopic{Topic: "room/{number}"}, `tables[0].topics[0].topic: "room/{number}" and "room/{room_id:int}" of topics[1] could be the same topic`)
	with(TableTopic{Topic: "room/all"}) // whether {room_id} can be "all" is for its type to say
}

func TestDeclarationsOfSeveralTables(t *testing.T) {
	t.Parallel()
	named := func(table, name, topic string) Table {
		return Table{Table: table, Name: name, Topics: []TableTopic{{Topic: topic}}}
	}
	expectTables(t, []Table{named("public.orders", "", "a"), named("sales.orders", "more", "b"), named("sales.*", "", "c/{table}/{id}")})
	expectTables(t, []Table{named("public.orders", "", "a"), named("Public.Orders", "", "b")}, `tables[1].table: Public.Orders is tables[0] too`)
	expectTables(t, []Table{named("public.orders", "", "a"), named("sales.orders", "", "b")},
		`tables[1].name: "orders" would begin the types of sales.orders and of public.orders: give one of them another name`)
	expectTables(t, []Table{named("public.a", "x", "a/{b}"), named("public.b", "", "a/{c}")},
		`tables[1].topics[0].topic: "a/{c}" and "a/{b}" of tables[0].topics[0] could be the same topic`)
	expectTables(t, []Table{named("sales.*", "x", "all")},
		`tables[0].topics[0].topic: "all": write {table} into it`, `tables[0].name: is of use with one table`)
	expectTables(t, []Table{named(`a.b.*`, "", "a/{table}"), named(`.*`, "", "b/{table}")},
		`tables[0].table: "a.b.*": write all tables of a schema as sales.*`, `tables[1].table: : a part of the name is empty`)
	whole := named("sales.*", "", "a/{table}")
	whole.Except = []string{"Old", `"New"`, "sales.x", `"`}
	expectTables(t, []Table{whole}, `tables[0].except[2]: "sales.x": name the table without its schema`, `tables[0].except[3]: `)
	if !whole.Excepts("old") || !whole.Excepts("New") || whole.Excepts("new") || whole.Excepts("x") {
		t.Errorf("%q excepts the wrong tables", whole.Except)
	}
}

func TestRelationOfADeclaration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"public.Orders": {"public", "orders"}, `"A"."B c"`: {"A", "B c"}, "sales.*": {"sales", ""}, `"Sales".*`: {"Sales", ""}, `a."*"`: {"a", "*"},
		"orders": {}, "a.b.c": {}, "*": {}, "a.b.*": {}, "": {},
	} {
		if schema, name := (Table{Table: text}).Relation(); schema != want[0] || name != want[1] {
			t.Errorf("%s: got %q, %q, want %q", text, schema, name, want)
		}
	}
}

func TestParseOrder(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]OrderTerm{
		"":                  nil,
		"placed_at desc,id": {{Column: "placed_at", Descending: true}, {Column: "id"}},
		` "a, ""b"" desc" asc  NULLS  first , Order no , desc DESC nulls last, nulls`: {
			{Column: `a, "b" desc`, Nulls: NullsFirst}, {Column: "Order no"}, {Column: "desc", Descending: true, Nulls: NullsLast}, {Column: "nulls"}},
	} {
		if got, err := ParseOrder(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{" ", "a,", ",a", "a, a DESC", `"a`, `a"b" DESC`, `"a" "b"`, `""`} {
		if got, err := ParseOrder(text); err == nil {
			t.Errorf("%s: got %+v, want an error", text, got)
		}
	}
}
