package tables_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rowcall/config/rules"
	"rowcall/notifier/filter"
	"rowcall/schema/schematest"
)

var (
	filterSeed  = flag.Uint64("filters.seed", 0, "the seed of the random filters and rows; 0: a new one")
	filterCount = flag.Int("filters.count", 2000, "how many random filters are compared with PostgreSQL")
)

// filteredTypes are the types of a table's columns, and values of each as SQL. Columns are named c0, c1 and so on.
var filteredTypes = []struct {
	sqlType string
	values  []string
}{
	{"int2", []string{"0", "-1", "32767", "-32768", "7"}},
	{"int4", []string{"0", "1", "-1", "2147483647", "-2147483648", "7"}},
	{"int8", []string{"0", "1", "9007199254740993", "9007199254740992", "9223372036854775807", "-9223372036854775808"}},
	{"numeric", []string{"0", "0.0", "1", "1.00", "-1.5", "1e-16383", "1e131071", "-1e131071", "'NaN'", "'Infinity'", "'-Infinity'", "12345678901234567890.123456789", "12345678901234567890.123456788"}},
	{"numeric(10,2)", []string{"0", "1.50", "99999999.99", "-1.5", "'NaN'"}},
	{"float4", []string{"0", "'-0'", "0.1", "1e-45", "3.4028235e38", "'NaN'", "'Infinity'", "'-Infinity'", "16777217"}},
	{"float8", []string{"0", "'-0'", "0.1", "0.1::float8+0.2::float8", "5e-324", "1.7976931348623157e308", "'NaN'", "'Infinity'", "'-Infinity'"}},
	{"bool", []string{"true", "false"}},
	{"text", []string{"''", "' '", "'a'", "'A'", "'a '", "'ab'", "'a%b'", "'a_b'", `'a\b'`, "'ä'", "'z'", "'日本'", "'😀'", "U&'\\FFFD'", "'a'||chr(10)||'b'", `'"'`, "'aab'", "'aaab'"}},
	{"varchar(5)", []string{"''", "'a'", "'a  '", "'ab'", "'äöü'", "'%'"}},
	{"char(3)", []string{"''", "'a'", "'ab'", "'abc'", "'ä'", "' a'", "'a%'"}},
	{"char(3)[]", []string{"ARRAY['a']", "ARRAY[NULL]"}},
	{"uuid", []string{"'3F2504E0-4F89-41D3-9A0C-0305E82C3301'", "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"}},
	{`"odd""type"`, []string{"'sad'", `'o''"k'`, "'Ok'"}},
	{"date", []string{"'2026-11-20'", "'2024-02-29'", "'infinity'", "'-infinity'", "'0044-03-15 BC'", "'4714-11-24 BC'", "'5874897-12-31'", "'0001-01-01'", "'0001-12-31 BC'", "'12026-01-01'"}},
	{"timestamp", []string{"'2026-11-20 12:00:00.5'", "'2026-11-20 12:00:00'", "'infinity'", "'-infinity'", "'0044-03-15 12:00:00 BC'", "'4714-11-24 00:00:00 BC'", "'294276-12-31 23:59:59.999999'"}},
	{"timestamptz", []string{"'2026-11-20 12:00:00+02'", "'2026-11-20 10:00:00.000001+00'", "'infinity'", "'-infinity'", "'0044-03-15 12:00:00+00 BC'", "'4714-11-24 00:00:00+00 BC'", "'294276-12-31 23:59:59.999999+00'"}},
	{"short", []string{"'a'", "'b'", "'Ä'"}},
	{"padded", []string{"'a'", "'ab'"}},
	{"amount", []string{"1.0", "1.00", "2"}},
	{"day", []string{"'2026-11-20'", "'infinity'"}},
	{"json", []string{"'null'", "' null '", "'[null]'", "'1'"}},
	{"jsonb", []string{"'null'", `'"null"'`, "'{}'"}},
	{"point", []string{"'(0,1)'"}},
	{"pair", []string{"ROW(NULL,NULL)", "ROW(1,NULL)"}},
	{`text COLLATE pg_catalog."C"`, []string{"'a'", "'B'", "'ä'"}},
	{`text COLLATE "loose"`, []string{"'a'", "'A'"}},
}

const filteredTypesMade = `CREATE TYPE "odd""type" AS ENUM ('sad', 'o''"k', 'Ok', 'never'); CREATE DOMAIN short AS varchar(3); CREATE DOMAIN padded AS char(4);
	CREATE DOMAIN amount AS numeric CHECK (VALUE > 0); CREATE DOMAIN day AS date; CREATE TYPE pair AS (a int, b int);
	CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`

// otherValues are values of filters that no row has.
var otherValues = []string{`1`, `1.0`, `1e0`, `100e-2`, `0.10`, `-0`, `"1"`, `"NaN"`, `"Infinity"`, `true`, `"a"`, `"a   "`, `"A"`, `"abcd"`, `"2026-11-20"`, `"2026-11-20 12:00:00"`,
	`1e131071`, `"-1e-16383"`, `"2026-11-20T12:00:00Z"`, `"2026-11-20T12:00:00+02:00"`, `"never"`, `"o'\"k"`, `"😀"`, `"3f2504e0-4f89-41d3-9a0c-0305e82c3302"`, `16777216`, `0.30000000000000004`, `""`, `"0100-01-01 BC"`}

var likePatterns = []string{`"%"`, `"_"`, `"a%"`, `"%a"`, `"%b"`, `"a_b"`, `"a\\_b"`, `"a\\%b"`, `"a\\\\b"`, `"%a%b%"`, `"__"`, `"ä%"`, `"a  "`, `"a _"`, `""`, `"%%"`, `"_%"`, `"%_ "`, `"a%a_"`, `"%ab"`, `"\\a"`}

// author writes random filters of a table.
type author struct {
	*rand.Rand
	columns []filter.Column
	values  map[string][]string // of each column: what is filed in some row, as JSON
}

// condition writes a filter as JSON.
func (a *author) condition(depth int) string {
	var entries []string
	used := map[string]bool{}
	for range 1 + a.IntN(2) {
		name, entry := a.entry(depth)
		if !used[name] {
			entries = append(entries, entry)
		}
		used[name] = true
	}
	return "{" + strings.Join(entries, ",") + "}"
}

func (a *author) entry(depth int) (name, entry string) {
	if depth < 3 && a.IntN(3) == 0 {
		name = []string{"and", "or", "not"}[a.IntN(3)]
		var parts []string
		for range a.IntN(4) {
			parts = append(parts, a.condition(depth+1))
		}
		return name, quoted(name) + ":[" + strings.Join(parts, ",") + "]"
	}
	for {
		c := a.columns[a.IntN(len(a.columns))]
		entry = fmt.Sprintf("%q:%s", c.Name, a.test(c))
		condition, err := filter.Parse([]byte("{" + entry + "}"))
		if err == nil {
			if _, err = condition.Bind(a.columns); err == nil {
				return c.Name, entry
			}
		}
	}
}

// test writes a test of a column, which need not fit its type.
func (a *author) test(c filter.Column) string {
	test := []string{"eq", "ne", "lt", "lte", "gt", "gte", "in", "like", "prefix", "is"}[a.IntN(10)]
	switch test {
	case "is":
		return `{"is":` + []string{"null", "null", "true", "false"}[a.IntN(4)] + `}`
	case "like":
		return `{"like":` + likePatterns[a.IntN(len(likePatterns))] + `}`
	case "in":
		var list []string
		for range a.IntN(4) {
			list = append(list, a.value(c))
		}
		return `{"in":[` + strings.Join(list, ",") + `]}`
	}
	return fmt.Sprintf(`{%q:%s}`, test, a.value(c))
}

func (a *author) value(c filter.Column) string {
	if known := a.values[c.Name]; len(known) > 0 && a.IntN(4) > 0 {
		return known[a.IntN(len(known))]
	}
	return otherValues[a.IntN(len(otherValues))]
}

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

// filter writes a filter that fits the table.
func (a *author) filter(t testing.TB) (text string, f *filter.Filter) {
	for {
		text = a.condition(0)
		condition, err := filter.Parse([]byte(text))
		if err != nil && (len(text) > filter.MaxBytes || strings.Count(text, "c") > filter.MaxTerms) {
			continue
		}
		if err == nil {
			f, err = condition.Bind(a.columns)
		}
		if err != nil {
			t.Fatalf("filter %s: %v", text, err)
		}
		return text, f
	}
}

// filteredRows is how many rows the table has.
const filteredRows = 100

// filteredStage is a table with rows of every type, and what its events say of the rows.
type filteredStage struct {
	*desk
	author *author
	rows   map[int]filter.Row
}

func newFilteredStage(t *testing.T, numbers string) *filteredStage {
	t.Helper()
	seed := *filterSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("play this again with -filters.seed=%d", seed)
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, filteredTypesMade)
	columns := []string{"id int PRIMARY KEY"}
	for i, kind := range filteredTypes {
		columns = append(columns, fmt.Sprintf("c%d %s", i, kind.sqlType))
	}
	db.Exec(t, `CREATE TABLE filtered (`+strings.Join(columns, ", ")+`)`)
	declared := rules.Table{Table: "public.filtered", Numbers: numbers, Topics: topics("filtered")}
	apply(t, db, declared)
	table := resolve(t, db, declared)[0]
	s := &filteredStage{
		desk: at(t, db), rows: map[int]filter.Row{},
		author: &author{Rand: rand.New(rand.NewPCG(seed, seed)), columns: table.FilterColumns(), values: map[string][]string{}},
	}
	var all []string
	for id := range filteredRows {
		all = append(all, fmt.Sprintf(`(%d, %s)`, id, strings.Join(s.someValues(), ", ")))
	}
	s.run(`INSERT INTO filtered VALUES ` + strings.Join(all, ", "))
	s.changes(t)
	return s
}

// someValues draws a value of each column but the key, as SQL.
func (s *filteredStage) someValues() []string {
	var values []string
	for _, kind := range filteredTypes {
		value := "NULL"
		if s.author.IntN(8) > 0 {
			value = kind.values[s.author.IntN(len(kind.values))]
		}
		base, _, _ := strings.Cut(kind.sqlType, " COLLATE")
		values = append(values, "("+value+")::"+base)
	}
	return values
}

// changes reads the events since the last call, and returns their changes.
func (s *filteredStage) changes(t *testing.T) []filter.Change {
	t.Helper()
	var all []filter.Change
	for _, event := range s.events() {
		data := strings.SplitN(event, " ", 3)[2]
		change, err := filter.ReadChange([]byte(data))
		if err != nil {
			t.Fatalf("%s: %v", event, err)
		}
		all = append(all, change)
		var given struct {
			Key struct{ ID int }
			New map[string]json.RawMessage
		}
		if err := json.Unmarshal([]byte(data), &given); err != nil {
			t.Fatal(err)
		}
		s.rows[given.Key.ID] = change.New
		for name, value := range given.New {
			if isScalar := len(value) < 200 && value[0] != '[' && value[0] != '{' && string(value) != "null"; isScalar && !slices.Contains(s.author.values[name], string(value)) {
				s.author.values[name] = append(s.author.values[name], string(value))
			}
		}
	}
	return all
}

// selected returns the keys of the rows for which PostgreSQL says that the filter holds.
func (s *filteredStage) selected(t *testing.T, text string, f *filter.Filter) map[int]bool {
	t.Helper()
	where, args := f.Where(`t`, 1)
	rows, _ := s.Query(t.Context(), `SELECT id FROM public.filtered t WHERE `+where, append([]any{pgx.QueryExecModeDescribeExec}, args...)...)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		t.Fatalf("filter %s as %s with %q: %v", text, where, args, err)
	}
	found := map[int]bool{}
	for _, id := range ids {
		found[id] = true
	}
	return found
}

// PostgreSQL's answer for the rows of a table is that of the filter for the rows as they are filed: of random filters, of
// every type, with NULL and extreme values, whatever the settings of the session are.
func TestFiltersAgreeWithPostgreSQL(t *testing.T) {
	t.Parallel()
	for _, numbers := range []string{rules.NumbersJSON, rules.NumbersText} {
		t.Run(numbers, func(t *testing.T) {
			t.Parallel()
			s := newFilteredStage(t, numbers)
			s.run(hostile)
			passed := 0
			for range *filterCount / 2 {
				text, f := s.author.filter(t)
				want := s.selected(t, text, f)
				for id, row := range s.rows {
					got, err := f.Passes(row)
					if err != nil {
						t.Fatalf("filter %s of row %s: %v", text, jsonOf(row), err)
					}
					if got != want[id] {
						t.Fatalf("filter %s of row %s: got %v, PostgreSQL says %v", text, jsonOf(row), got, want[id])
					}
				}
				if len(want) > 0 && len(want) < len(s.rows) {
					passed++
				}
			}
			if passed < *filterCount/8 {
				t.Errorf("only %d filters pass some rows and not others", passed)
			}
		})
	}
}

func jsonOf(r filter.Row) string {
	text, _ := r.MarshalJSON()
	return string(text)
}

// A follower with a filter hears of an update what SELECTs with the same condition, before and after it, find.
func TestOutcomesOfUpdates(t *testing.T) {
	t.Parallel()
	s := newFilteredStage(t, rules.NumbersJSON)
	type written struct {
		text string
		*filter.Filter
		before map[int]bool
	}
	var filters []written
	for range 25 {
		text, f := s.author.filter(t)
		filters = append(filters, written{text, f, s.selected(t, text, f)})
	}
	counts := map[filter.Outcome]int{}
	for range 60 {
		set := []string{"id = id"}
		for i, value := range s.someValues() {
			if s.author.IntN(4) == 0 {
				set = append(set, fmt.Sprintf("c%d = %s", i, value))
			}
		}
		id := s.author.IntN(filteredRows)
		s.run(fmt.Sprintf(`UPDATE filtered SET %s WHERE id = %d`, strings.Join(set, ", "), id))
		change := s.changes(t)[0]
		for i, f := range filters {
			after := s.selected(t, f.text, f.Filter)
			want := map[[2]bool]filter.Outcome{{true, true}: filter.Same, {true, false}: filter.Leave, {false, true}: filter.Enter}[[2]bool{f.before[id], after[id]}]
			got, err := f.Outcome(change)
			if err != nil || got != want {
				t.Fatalf("filter %s: an update from %s to %s: got %v, %v; want %v", f.text, jsonOf(change.Old), jsonOf(change.New), got, err, want)
			}
			filters[i].before = after
			counts[got]++
		}
	}
	for _, outcome := range []filter.Outcome{filter.Nothing, filter.Same, filter.Enter, filter.Leave} {
		if counts[outcome] == 0 {
			t.Errorf("no update had the outcome %v", outcome)
		}
	}
}

// A column whose collation takes different texts for equal is only tested for null.
func TestLooseCollationsAreNotCompared(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, filteredTypesMade+`; CREATE TABLE loosely (id int PRIMARY KEY, note text COLLATE loose)`)
	columns := resolve(t, db, rules.Table{Table: "public.loosely", Topics: topics("loosely")})[0].FilterColumns()
	for text, fits := range map[string]bool{`{"note":"a"}`: false, `{"note":{"like":"a"}}`: false, `{"note":{"is":null}}`: true} {
		condition, err := filter.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := condition.Bind(columns); (err == nil) != fits {
			t.Errorf("filter %s: %v, want it to fit: %v", text, err, fits)
		}
	}
}

// Texts are compared by their bytes in UTF-8, also in a database whose own encoding orders them in another way.
func TestFiltersInOtherEncodings(t *testing.T) {
	t.Parallel()
	beside := schematest.New(t, schematest.Empty)
	for encoding, texts := range map[string][]string{"WIN1251": {"ё", "А", "я", "z", ""}, "EUC_JP": {"日", "亜", "ア", "a", "、"}, "LATIN1": {"é", "z", "ÿ"}} {
		name := beside.Name + "_" + strings.ToLower(encoding)
		beside.Exec(t, `CREATE DATABASE `+name+` ENCODING '`+encoding+`' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`)
		t.Cleanup(func() { beside.Exec(t, `DROP DATABASE `+name+` WITH (FORCE)`) })
		address, err := url.Parse(beside.URL)
		if err != nil {
			t.Fatal(err)
		}
		address.Path = "/" + name
		db := &schematest.Database{URL: address.String(), Name: name, Cluster: beside.Cluster}
		d := &desk{Conn: db.Conn(t), t: t}
		d.run(`SET client_encoding = 'UTF8'`)
		d.run(`CREATE TABLE words (id int PRIMARY KEY, note text, code char(3)); INSERT INTO words SELECT place, word, word
			FROM unnest(ARRAY['` + strings.Join(texts, "','") + `']) WITH ORDINALITY w (word, place)`)
		columns := resolve(t, db, rules.Table{Table: "public.words", Topics: topics("words")})[0].FilterColumns()
		for _, text := range texts {
			for _, test := range []string{"eq", "ne", "lt", "gte", "prefix", "like"} {
				for _, column := range []string{"note", "code"} {
					given := fmt.Sprintf(`{%q:{%q:%q}}`, column, test, text)
					condition, err := filter.Parse([]byte(given))
					if err != nil {
						t.Fatal(err)
					}
					f, err := condition.Bind(columns)
					if err != nil {
						t.Fatal(err)
					}
					where, args := f.Where("t", 1)
					rows, _ := d.Query(t.Context(), `SELECT row_to_json(t)::text, (`+where+`) FROM words t`, append([]any{pgx.QueryExecModeDescribeExec}, args...)...)
					var filed string
					var want bool
					if _, err := pgx.ForEachRow(rows, []any{&filed, &want}, func() error {
						row, err := filter.ReadRow([]byte(filed))
						if err != nil {
							return err
						}
						if got, err := f.Passes(row); err != nil || got != want {
							t.Errorf("%s: filter %s of %s: got %v, %v; PostgreSQL says %v", encoding, given, filed, got, err, want)
						}
						return nil
					}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}
