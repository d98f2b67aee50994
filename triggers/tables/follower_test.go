package tables_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rowcall/config/rules"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
	"rowcall/triggers/tables"
)

// follower holds the rows of a topic, by the text of their keys: those of a snapshot, and what events made of them.
type follower struct {
	topic topic.Topic
	role  string // it has this one
	rule  rules.Topic
	args  map[string]string // the values of the topic's parameters, as literals of SQL
	rows  map[string]map[string]string
	reset bool // it has to read them again
}

// hears applies an event of the log, if it is for the follower. An event that does not fit the rows is an error.
func (f *follower) hears(name, kind, role, data string) error {
	if kind == resetType {
		patterns, _, err := readReset(data)
		f.reset = f.reset || f.isToldBy(patterns)
		return err
	}
	if f.reset || !f.topic.Covers(topic.Topic(name)) || role != "" && role != f.role {
		return nil
	}
	var e struct {
		Op       string
		Key      json.RawMessage
		New, Old map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		return err
	}
	key, before, after := compactJSON(e.Key), texts(e.Old), texts(e.New)
	present, known := f.rows[key]
	switch e.Op {
	case "insert", "enter":
		if known {
			return fmt.Errorf("%s of a row that is there: %s", e.Op, data)
		}
		f.rows[key] = after
	case "delete", "leave":
		if !maps.Equal(present, before) {
			return fmt.Errorf("%s says that the row was %v, it was %v", e.Op, before, present)
		}
		delete(f.rows, key)
	case "update":
		for column, text := range after {
			if old, changed := before[column]; changed && old != present[column] || !changed && text != present[column] {
				return fmt.Errorf("update of column %s does not fit the row %v: %s", column, present, data)
			}
		}
		f.rows[key] = after
	default:
		return fmt.Errorf("unknown op: %s", data)
	}
	return nil
}

const resetType = "rowcall.reset" // of events

// readReset reads the data of a reset: the patterns whose followers are told, without the kinds of parameters, and why.
func readReset(data string) (patterns []string, reason string, err error) {
	var e struct {
		Topics []string
		Reason string
	}
	err = json.Unmarshal([]byte(data), &e)
	return e.Topics, e.Reason, err
}

// isToldBy reports whether a reset of patterns is for the follower: one of them is at, above or below its topic.
func (f *follower) isToldBy(patterns []string) bool {
	own := strings.Split(string(f.topic), "/")
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		parts := strings.Split(pattern, "/")
		for i, part := range parts[:min(len(parts), len(own))] {
			if part != own[i] && !strings.HasPrefix(part, "{") {
				return false
			}
		}
		return true
	})
}

func compactJSON(text []byte) string {
	var b bytes.Buffer
	_ = json.Compact(&b, text) // it was read from JSON
	return b.String()
}

// state reads the rows of the topic as they are, by their keys.
func (f *follower) state(ctx context.Context, tx *sql.Tx, key []tables.Column) (map[string]map[string]string, error) {
	names := slices.Sorted(maps.Keys(f.args))
	query, err := rules.BindParameters(f.rule.Snapshot, names, func(name string) string { return f.args[name] })
	if err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT rowcall.json_with_iso(s)::text FROM (`+query+`) s`)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, query)
	}
	defer rows.Close()
	all := map[string]map[string]string{}
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		var row map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &row); err != nil {
			return nil, err
		}
		all[keyOf(texts(row), key)] = texts(row)
	}
	return all, rows.Err()
}

// keyOf is the key of a row as events have it: int8 and numeric are strings.
func keyOf(row map[string]string, key []tables.Column) string {
	fields := make([]string, len(key))
	for i, c := range key {
		value := row[c.Name]
		if exact := c.Base == "bigint" || c.Base == "numeric"; exact && !strings.HasPrefix(value, `"`) {
			value = `"` + value + `"`
		}
		name, _ := json.Marshal(c.Name)
		fields[i] = string(name) + ":" + value
	}
	return "{" + strings.Join(fields, ",") + "}"
}

// generatedColumn is a type of a generated table, and values of it as SQL.
type generatedColumn struct {
	sqlType string
	topic   bool // it may be a parameter of topics
	values  []string
}

func generatedColumns() []generatedColumn {
	return []generatedColumn{
		{"int4", true, []string{"1", "2"}}, {"int8", true, []string{"9007199254740993", "3"}}, {"text", true, []string{"'a/b'", "'ä'", "'.'", "''"}},
		{"uuid", true, []string{"'3f2504e0-4f89-41d3-9a0c-0305e82c3301'", "'00000000-0000-0000-0000-000000000000'"}},
		{"boolean", true, []string{"true", "false"}}, {"date", true, []string{"'2026-01-02'", "'infinity'", "'0044-03-15 BC'"}},
		{"mood", true, []string{"'sad'", "'o k'"}},
		{"numeric", false, []string{"1.50", "'NaN'", "1.5"}}, {"timestamptz", false, []string{"'2026-01-02 03:04:05+07'", "'-infinity'"}},
		{"float8", false, []string{"0.1", "'Infinity'"}}, {"json", false, []string{`'{"a": "\u0000"}'`, `'[1]'`}}, {"interval[]", false, []string{`ARRAY['1 day'::interval]`}},
		{"tstzrange", false, []string{"'[2026-01-01Z,)'"}}, {"bytea", false, []string{`'\x01'`}},
	}
}

// scene is a generated table, its declaration, and a transaction for each step.
type scene struct {
	made         string
	declared     rules.Table
	topics       []string // patterns
	types        map[string]generatedColumn
	transactions []string
}

func someScene(t *rapid.T) scene {
	s := scene{types: map[string]generatedColumn{}}
	kinds := generatedColumns()
	names := []string{"id", "B", "c d", "größe", "e"}[:rapid.IntRange(2, 5).Draw(t, "columns")]
	var columns []string
	for i, name := range names {
		kind := kinds[rapid.IntRange(0, len(kinds)-1).Draw(t, "type of "+name)]
		if i == 0 {
			kind = kinds[rapid.IntRange(0, 3).Draw(t, "type of the key")]
		}
		s.types[name] = kind
		columns = append(columns, fmt.Sprintf(`"%s" %s`, name, kind.sqlType))
	}
	key := []string{"id"}
	partition := ""
	mode := rapid.SampledFrom([]string{rules.ModeRow, rules.ModeStatement}).Draw(t, "mode")
	if mode == rules.ModeRow && rapid.Bool().Draw(t, "partitioned") {
		partition = ` PARTITION BY HASH ("id"); CREATE TABLE x1 PARTITION OF x FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE x2 PARTITION OF x FOR VALUES WITH (MODULUS 2, REMAINDER 1)`
	}
	s.made = `CREATE TABLE x (` + strings.Join(columns, ", ") + `, PRIMARY KEY ("id"))` + partition
	s.topics = someTopics(t, names, s.types)
	s.declared = rules.Table{Table: "public.x", Key: key, Mode: mode, Topics: topics(s.topics...), Numbers: rapid.SampledFrom([]string{"json", "text"}).Draw(t, "numbers")}
	if rapid.Bool().Draw(t, "hides") {
		s.declared.Hide = names[len(names)-1:]
		if len(names) == 1 {
			s.declared.Hide = nil
		}
	}
	for range rapid.IntRange(1, 8).Draw(t, "transactions") {
		s.transactions = append(s.transactions, s.someTransaction(t, names))
	}
	return s
}

// someTopics draws a chain of topics that cover each other, and perhaps one beside it.
func someTopics(t *rapid.T, names []string, types map[string]generatedColumn) []string {
	var usable []string
	for _, name := range names {
		if types[name].topic && !strings.Contains(name, " ") {
			usable = append(usable, name)
		}
	}
	deepest := "x"
	all := []string{deepest}
	for _, name := range usable[:rapid.IntRange(0, min(2, len(usable))).Draw(t, "depth")] {
		deepest += "/{" + name + "}"
		all = append(all, deepest)
	}
	first := rapid.IntRange(0, len(all)-1).Draw(t, "the uppermost topic")
	all = all[first:]
	if len(usable) > 0 && rapid.Bool().Draw(t, "a topic beside") {
		all = append(all, "beside/{"+usable[len(usable)-1]+"}")
	}
	return all
}

// someTransaction draws a few statements, some of them rolled back.
func (s scene) someTransaction(t *rapid.T, names []string) string {
	value := func(name string) string {
		kind := s.types[name]
		at := rapid.IntRange(-1, len(kind.values)-1).Draw(t, name)
		if at < 0 && name != "id" {
			return "NULL"
		}
		return kind.values[max(at, 0)] + "::" + kind.sqlType
	}
	statements := []string{"BEGIN"}
	for range rapid.IntRange(1, 4).Draw(t, "statements") {
		var list, set []string
		for _, name := range names {
			v := value(name)
			list = append(list, v)
			if rapid.Bool().Draw(t, "sets "+name) && name != "id" {
				set = append(set, fmt.Sprintf(`"%s" = %s`, name, v))
			}
		}
		where := ` WHERE "id" = ` + value("id")
		switch rapid.IntRange(0, 8).Draw(t, "statement") {
		case 0, 1:
			statements = append(statements, `INSERT INTO x VALUES (`+strings.Join(list, ", ")+`) ON CONFLICT ("id") DO UPDATE SET "B" = EXCLUDED."B"`)
		case 2:
			if len(set) > 0 {
				statements = append(statements, `UPDATE x SET `+strings.Join(set, ", "))
			}
		case 3:
			statements = append(statements, `UPDATE x SET "id" = `+value("id")+where+` AND NOT EXISTS (SELECT FROM x)`, `SAVEPOINT s`, `DELETE FROM x`, `ROLLBACK TO s`)
		case 4:
			statements = append(statements, `DELETE FROM x`+where)
		case 6:
			statements = append(statements, `WITH gone AS (DELETE FROM x`+where+` RETURNING *) INSERT INTO x SELECT * FROM gone ON CONFLICT DO NOTHING`)
		case 7:
			statements = append(statements, `WITH kept AS (UPDATE x SET "B" = "B"`+where+` RETURNING "id") DELETE FROM x WHERE "id" NOT IN (SELECT "id" FROM kept)`)
		case 8:
			statements = append(statements, fmt.Sprintf(`WITH made AS (INSERT INTO x VALUES (%s) ON CONFLICT DO NOTHING RETURNING "id") UPDATE x SET "id" = made."id" FROM made WHERE x."id" = made."id"`, strings.Join(list, ", ")))
		case 5:
			statements = append(statements, fmt.Sprintf(`WITH moved AS (SELECT count(*) AS n FROM x) UPDATE x SET "id" = %s FROM moved WHERE n = 1`, value("id")))
		}
	}
	return strings.Join(append(statements, rapid.SampledFrom([]string{"COMMIT", "COMMIT", "ROLLBACK"}).Draw(t, "end")), ";\n")
}

// stage is a database on which scenes are played.
type stage struct {
	db   *schematest.Database
	conn *sql.DB
	desk *desk
	read int64
}

// followers returns a follower of each topic that rows could be filed under.
func (s scene) followers(table tables.Table) []*follower {
	var all []*follower
	for i, rule := range table.Rules() {
		for _, args := range s.arguments(s.topics[i]) {
			f := &follower{rule: rule, args: map[string]string{}, rows: map[string]map[string]string{}}
			name := rule.Pattern().Expand(func(parameter string) string { return args[parameter][1] })
			for parameter, value := range args {
				f.args[parameter] = value[0]
			}
			f.topic = topic.Topic(name)
			if _, role, found := strings.Cut(rule.Access, "rowcall_depth_"); found {
				f.role = "rowcall_depth_" + role[:1]
			}
			all = append(all, f)
		}
	}
	return all
}

// arguments returns all values of a pattern's columns: as SQL of the parameter, and as a part of a topic.
func (s scene) arguments(pattern string) []map[string][2]string {
	all := []map[string][2]string{{}}
	for word := range strings.SplitSeq(pattern, "/") {
		name, found := strings.CutPrefix(word, "{")
		if !found {
			continue
		}
		name = strings.TrimSuffix(name, "}")
		var more []map[string][2]string
		for _, before := range all {
			for _, value := range s.types[name].values {
				text := strings.Trim(value, "'")
				if text == "" {
					continue
				}
				args := maps.Clone(before)
				literal := value
				switch s.types[name].sqlType {
				case "int4", "int8", "uuid":
				default:
					literal = "'" + text + "'::text"
				}
				escape := strings.NewReplacer("/", "%2F", " ", "%20", "ä", "%C3%A4")
				args[name] = [2]string{literal, strings.Replace(escape.Replace(text), ".", "%2E", 1)}
				more = append(more, args)
			}
		}
		all = more
	}
	return all
}

// A follower that takes a snapshot, and then applies events, has what the table has: of any table, topics and
// transactions. It also checks each old row against what it has. rapid prints how to play a failure again, and makes it
// small.
func TestFollowersHoldTheTable(t *testing.T) {
	t.Parallel()
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		_ = flag.Set("rapid.checks", "25") // a database is slow
	}
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, `CREATE TYPE mood AS ENUM ('sad', 'o k')`)
	on := &stage{db: db, conn: db.DB(t), desk: at(t, db)}
	rapid.Check(t, func(rt *rapid.T) {
		s := someScene(rt)
		if err := on.play(t.Context(), s); err != nil {
			rt.Fatalf("%s\n%s\n%v", s.made, strings.Join(s.transactions, ";\n"), err)
		}
	})
}

func (on *stage) play(ctx context.Context, s scene) error {
	on.desk.run(`ROLLBACK; DROP TABLE IF EXISTS x; ` + s.made)
	found, err := tables.Resolve(ctx, on.conn, []rules.Table{s.declared})
	if err != nil {
		return err
	}
	changes, err := tables.Plan(ctx, on.conn, found)
	if err != nil {
		return err
	}
	if err := tables.Apply(ctx, on.conn, changes, func(tables.Change) {}); err != nil {
		return err
	}
	if found, err = tables.Resolve(ctx, on.conn, []rules.Table{s.declared}); err != nil {
		return err
	}
	followers := s.followers(found[0])
	if err := on.desk.QueryRow(ctx, `SELECT coalesce(max(id), 0) FROM rowcall.log`).Scan(&on.read); err != nil {
		return err
	}
	for i, transaction := range s.transactions {
		on.desk.run(transaction)
		if err := on.compare(ctx, followers, found[0].Key, s.declared.Mode == rules.ModeStatement); err != nil {
			return fmt.Errorf("after transaction %d: %w", i+1, err)
		}
	}
	return nil
}

// compare reads the log and the table in one snapshot: each follower must hold what a SELECT at its cursor finds. Where it
// may be told to read its rows again, it takes these.
func (on *stage) compare(ctx context.Context, followers []*follower, key []tables.Column, mayReset bool) error {
	tx, err := on.conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	rows, err := tx.QueryContext(ctx, `SELECT id, topic, type, coalesce(role, ''), data FROM rowcall.log WHERE id > $1 ORDER BY id`, on.read)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name, kind, role, data string
		if err := rows.Scan(&on.read, &name, &kind, &role, &data); err != nil {
			return err
		}
		for _, f := range followers {
			if err := f.hears(name, kind, role, data); err != nil {
				return fmt.Errorf("a follower of %s: %w", f.topic, err)
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, f := range followers {
		want, err := f.state(ctx, tx, key)
		if err != nil {
			return err
		}
		if f.reset && mayReset {
			f.rows, f.reset = want, false
		}
		if diff := cmp.Diff(want, f.rows); diff != "" {
			return fmt.Errorf("rows of %s (-table +follower):\n%s", f.topic, diff)
		}
	}
	return nil
}
