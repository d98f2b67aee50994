package resource

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/api/access"
	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
)

// edgeValues are types, each with values at its edges as PostgreSQL reads them.
func edgeValues() map[string][]string {
	long := strings.Repeat("9", 1000)
	return map[string][]string{
		"bool":           {"true", "false"},
		"int2":           {"-32768", "32767"},
		"int4":           {"-2147483648", "2147483647"},
		"int8":           {"-9223372036854775808", "9223372036854775807", "9007199254740993"},
		"float4":         {"NaN", "Infinity", "-Infinity", "3.4028235e38", "1e-45", "-0"},
		"float8":         {"NaN", "Infinity", "-Infinity", "1.7976931348623157e308", "5e-324", "0.1", "-0"},
		"numeric":        {"NaN", "Infinity", "-Infinity", "1.50", long + ".001", "0.00"},
		"numeric(6,2)":   {"NaN", "9999.99", "-0.01"},
		"timestamptz":    {"infinity", "-infinity", "0044-03-15 10:00:00.5Z BC", "0001-01-01 00:00Z", "12026-06-01 10:00Z", "4714-11-24 00:00Z BC", "294276-12-31 23:59:59.999999Z"},
		"timestamp":      {"infinity", "-infinity", "0044-03-15 10:00 BC", "12026-06-01 10:00:00.25", "4714-11-24 00:00 BC"},
		"date":           {"infinity", "-infinity", "0044-03-15 BC", "12026-06-01", "4714-11-24 BC", "5874897-12-31", "0004-02-29"},
		"time":           {"24:00:00", "00:00", "23:59:59.999999"},
		"timetz":         {"24:00:00+15:59", "00:00-15:59", "10:00:00.5+02"},
		"interval":       {"-1 year -2 mons +3 days -04:05:06.789", "178000000 years", "0"},
		"uuid":           {"00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"},
		"text":           {"x", "  blanks \t", " ", "\u2028 \\ \" é 日", "infinity", "NaN"},
		"varchar(3)":     {"日本語"},
		"char(3)":        {"a"},
		"name":           {"a b"},
		`"char"`:         {"a"},
		"bytea":          {`\x`, `\x00ff`, `\x5c78`},
		"money":          {"-92233720368547758.08", "1234.56"},
		"json":           {`{"a":[1e400,12345678901234567890.123,null]}`, "null", " null\n", `"x"`, `{"b" : "<a>&\/\u00e9\ud800",  "a": [ ], "b":1e400000}`},
		"jsonb":          {`{"a":[12345678901234567890.123,0.10,null]}`, `[]`, "7"},
		"bit(3)":         {"101"},
		"varbit":         {"", "1"},
		"inet":           {"::1/64", "10.0.0.1"},
		"cidr":           {"10.0.0.0/8"},
		"macaddr":        {"08:00:2b:01:02:03"},
		"macaddr8":       {"08:00:2b:01:02:03:04:05"},
		"point":          {"(NaN,-Infinity)", "(1,2)"},
		"box":            {"(1,2),(0,0)"},
		"path":           {"[(0,0),(1,1)]"},
		"polygon":        {"((0,0),(1,1))"},
		"circle":         {"<(0,0),1>"},
		"oid":            {"4294967295"},
		"pg_lsn":         {"FFFFFFFF/FFFFFFFF"},
		"tsvector":       {"'a':1A 'b c':2"},
		"tsquery":        {"'a' & !'b'"},
		"jsonpath":       {`$."a"[*]`},
		"int4range":      {"empty", "(,)", "[1,5)"},
		"tstzrange":      {`["-infinity",infinity]`, `["0044-03-15 10:00Z BC","12026-01-01Z")`},
		"tstzmultirange": {`{["2021-01-01 10:00Z","2021-01-02 10:00:00.5Z"]}`},
		"daterange":      {"[2021-01-01,infinity)"},
		"nummultirange":  {"{}", "{[1.50,2),[3,)}"},
		"int4[]":         {"[0:2]={1,2,3}", "[-1:0][2:3]={{1,2},{3,4}}", "{NULL}"},
		"json[]":         {`[3:5]={"null",NULL,"{\"b\" : \"\\u00e9<\",  \"a\": 1e400000, \"b\":1}"}`, "{}", `{{"null"},{"[ ]"}}`},
		"edge.noted":     {`(null,1,"{null,NULL}")`, `("{""a"" : 1e400000}",,)`},
		"edge.noted[]":   {`[0:0]={"(null,,)"}`},
		"edge.remarks":   {`[2:2]={null}`},
		"edge.date":      {"(2026,7)"},
		"edge.int4":      {"seven"},
		"regtype":        {"integer", "0"},
		"regclass":       {"pg_class", "999999"},
		"regproc":        {"2108", "0"},
		"regoper":        {"551"},
		"regoperator":    {"+(integer,integer)"},
		"regprocedure":   {"sum(integer)"},
		"regrole":        {"rowcall_app"},
		"regnamespace":   {"pg_catalog"},
		"regcollation":   {`"C"`},
		"regconfig":      {"simple"},
		"regdictionary":  {"simple"},
		"pg_snapshot":    {"10:20:10,14"},
		"xid8":           {"18446744073709551615"},
		"tid":            {"(4294967295,65535)"},
		"refcursor":      {"a b "},
		"aclitem":        {"rowcall_app=r/rowcall_app"},
		"line":           {"{1,2,3}"},
		"lseg":           {"[(1,2),(3,4)]"},
		"xml":            {`<?xml version="1.0"?> <a>&amp; b</a>`, "plain"},
		"jsonb[]":        {`{"null",NULL,"{\"a\": [1.10, null]}"}`},
		"xml[]":          {"{<a>1</a>,NULL}"},
		"text[]":         {"{}", "[7:8]={a,b}", `{NULL,"NULL","a \"b\"",""}`, "{{a,b},{c,d}}"},
		"timestamptz[]":  {`{infinity,NULL,"0044-03-15 10:00Z BC","12026-01-01 10:00:00.5Z"}`},
		"float8[]":       {"{NaN,Infinity,-Infinity,0.1}"},
		"date[]":         {`{-infinity,"0044-03-15 BC"}`},
		"edge.mood":      {"so-so", "it's"},
		"edge.mood[]":    {"{so-so,NULL}"},
		"edge.pair":      {`(infinity,NaN,"{1,NULL}")`, "(,,)"},
		"edge.pair[]":    {`{"(-infinity,1.50,)"}`},
		"edge.moment":    {"infinity", "0044-03-15 10:00Z BC", "12026-06-01 10:00Z"},
		"edge.moment[]":  {"{infinity}"},
		"edge.small":     {"7"},
	}
}

// openEdges makes a table with a column of each type, and rows with each type's values. The last row
// is empty.
func openEdges(t *testing.T) (db *schematest.Database, rows int) {
	t.Helper()
	db = schematest.New(t, schematest.Samples)
	db.Exec(t, `CREATE SCHEMA edge; GRANT USAGE ON SCHEMA edge TO rowcall_app, rowcall_server;
		CREATE TYPE edge.mood AS ENUM ('so-so', 'it''s'); CREATE TYPE edge.date AS (y int, m int); CREATE TYPE edge.int4 AS ENUM ('seven');
		CREATE TYPE edge.noted AS (note json, n int, more json[]); CREATE DOMAIN edge.remarks AS json[]; CREATE TYPE edge.pair AS (at timestamptz, n numeric, list int[]);
		CREATE DOMAIN edge.moment AS timestamptz; CREATE DOMAIN edge.small AS int2 CHECK (VALUE < 10)`)
	columns := "id integer PRIMARY KEY"
	for kind := range edgeValues() {
		columns += fmt.Sprintf(", %s %s", pgx.Identifier{kind}.Sanitize(), kind)
	}
	db.Exec(t, "CREATE TABLE edge.row ("+columns+`); GRANT SELECT, INSERT, UPDATE ON edge.row TO rowcall_app; GRANT SELECT ON edge.row TO rowcall_server;
		ALTER TABLE edge.row ENABLE ROW LEVEL SECURITY; CREATE POLICY everybody ON edge.row USING (true)`)
	for _, values := range edgeValues() {
		rows = max(rows, len(values)+1)
	}
	for i := range rows {
		names, literals := "id", fmt.Sprint(i)
		for kind, values := range edgeValues() {
			if i < len(values) {
				names += ", " + pgx.Identifier{kind}.Sanitize()
				literals += ", '" + strings.ReplaceAll(values[i], "'", "''") + "'"
			}
		}
		db.Exec(t, "INSERT INTO edge.row ("+names+") VALUES ("+literals+")")
	}
	return db, rows
}

// A row that was read can be sent back, and nothing of it changes. A snapshot shows the same text.
func TestRowsCanBeSentBackAsRead(t *testing.T) {
	t.Parallel()
	db, rows := openEdges(t)
	db.Exec(t, "CREATE TABLE edge.before AS SELECT * FROM edge.row")
	alice := openServerOn(t, db, append(apitest.SampleResources(), rules.Resource{Name: "edges", Table: "edge.row", Allow: "authenticated"}), nil).user(t, "alice")
	for i := range rows {
		address := fmt.Sprintf("/api/edges/%d", i)
		read := alice.Send("GET", address, "").Body
		if strings.Contains(read, "+00") {
			t.Errorf("row %d has a time with an offset, want Z in all places: %s", i, read)
		}
		if got := alice.Send("PUT", address, read); got.Status != 200 || got.Body != read {
			t.Errorf("row %d sent back:\ngot  %d %s\nwant 200 %s", i, got.Status, got.Body, read)
		}
		if got, want := snapshotOf(t, db, i), "["+read+"]"; normalized(t, got) != normalized(t, want) {
			t.Errorf("row %d in a snapshot:\ngot  %s\nwant %s", i, got, want)
		}
	}
	for kind := range edgeValues() {
		column := pgx.Identifier{kind}.Sanitize()
		rows, _ := db.Pool(t).Query(t.Context(), fmt.Sprintf(`SELECT concat(b.id, ': ', b.%[1]s, ' became ', coalesce(a.%[1]s::text, 'NULL'))
			FROM edge.before b JOIN edge.row a USING (id) WHERE a.%[1]s::text IS DISTINCT FROM b.%[1]s::text`, column))
		changed, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(changed) > 0 {
			t.Errorf("%s: got %q, %v, want no change", kind, changed, err)
		}
	}
}

// Blank text where text is required, and the null of JSON where NULL is not allowed, are refused, but for rows that have
// them already, from psql for example.
func TestBlanksAndNullsCanBeSentBack(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	db.Exec(t, `CREATE DOMAIN required AS text NOT NULL; CREATE TABLE blanks (id int PRIMARY KEY, a text NOT NULL, b varchar(5) NOT NULL, c char(3) NOT NULL, d required);
		CREATE DOMAIN document AS json NOT NULL; CREATE TABLE nulls (id int PRIMARY KEY, a jsonb NOT NULL, b document, c json);
		INSERT INTO nulls VALUES (1, 'null', ' null ', 'null'), (2, '1', '2', NULL); GRANT SELECT, INSERT, UPDATE ON nulls TO rowcall_app;
		INSERT INTO blanks VALUES (1, '', '  ', '', E'\t'), (2, 'a', '', 'c', 'd'); GRANT SELECT, INSERT, UPDATE ON blanks TO rowcall_app`)
	anybody := openServerOn(t, db, []rules.Resource{{Name: "blanks", Table: "blanks", Allow: "public"}, {Name: "nulls", Table: "nulls", Allow: "public"}}, nil).user(t, "")
	for _, row := range []string{`{"id":1,"a":"","b":"  ","c":"   ","d":"\t"}`, `{"id":2,"a":"a","b":"","c":"c  ","d":"d"}`} {
		address := "/api/blanks/" + apitest.Field(t, row, "id")
		anybody.Expect(200, row, "PUT", address, row)
		anybody.Expect(200, row, "PATCH", address, row)
	}
	anybody.Expect(400, `{"errors":{"a":["This field may not be blank."],"d":["This field may not be blank."]}}`, "PATCH", "/api/blanks/2", `{"a":"","b":"","d":" "}`)
	anybody.Expect(400, `{"errors":{"a":["This field may not be blank."]}}`, "POST", "/api/blanks", `{"id":3,"a":"","b":"b","c":"c","d":"d"}`)
	anybody.Expect(404, "", "PATCH", "/api/blanks/3", `{"a":""}`)
	if got := db.Text(t, `(SELECT string_agg(format('%s %L %L %L %L', id, a, b, c, d), '; ' ORDER BY id) FROM blanks)`); got != "1 '' '  ' '   ' '\t'; 2 'a' '' 'c  ' 'd'" {
		t.Errorf("got %s, want the rows as they were", got)
	}
	anybody.Expect(200, `{"id":1,"a":null,"b":null,"c":null}`, "PUT", "/api/nulls/1", `{"id":1,"a":null,"b":null,"c":null}`)
	anybody.Expect(200, `{"id":2,"a":1,"b":2,"c":null}`, "PUT", "/api/nulls/2", `{"id":2,"a":1,"b":2,"c":null}`)
	anybody.Expect(400, `{"errors":{"a":["This field may not be null."]}}`, "PATCH", "/api/nulls/2", `{"a":null}`)
	anybody.Expect(400, `{"errors":{"b":["This field may not be null."]}}`, "PATCH", "/api/nulls/2", `{"b":null}`)
	if got := db.Text(t, `(SELECT string_agg(format('%s %L %L %L', id, a, b, c), '; ' ORDER BY id) FROM nulls)`); got != "1 'null' ' null ' 'null'; 2 '1' '2' NULL" {
		t.Errorf("got %s, want the rows as they were", got)
	}
}

// snapshotOf reads a row as the snapshot of a topic.
func snapshotOf(t *testing.T, db *schematest.Database, id int) string {
	t.Helper()
	pool := db.Pool(t)
	topics, err := access.Compile(t.Context(), dbconn.Over(pool), openAccounts(t, pool, doortest.Open(t, door.Options{})),
		[]rules.Topic{{Topic: "edge/{id:int}", Allow: "public", Snapshot: "SELECT * FROM edge.row WHERE id = @id"}})
	if err != nil {
		t.Fatal(err)
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	state, _, err := topics.State(t.Context(), tx, notifier.Question{Topic: topic.Topic(fmt.Sprintf("edge/%d", id))})
	if err != nil {
		t.Fatal(err)
	}
	return string(state)
}

// normalized is JSON with its numbers as they are written, and nothing else that may differ.
func normalized(t *testing.T, text string) string {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	normal, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(normal)
}
