package tables_test

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"rowcall/notifier/topic"
)

// oddTable is one of the sixty tables whose names and columns are odd.
type oddTable struct {
	name    string // as SQL, with the schema; so are the columns
	key     string
	columns []string // but the key. Writers write no other than the first three; changes are of the last
	types   []generatedColumn
	keyType generatedColumn
}

// oddTables are such tables, of which each type is part of some.
func oddTables() []oddTable {
	odd := []string{`a"b`, "a'b", `a\b`, "a b", "größe", "表", "SELECT", "a/b", "%s", "$1", "{x}", "new", "old", "slot", "fields", "*/", "--", "a:b", "@me", "\u202e"}
	kinds := generatedColumns()
	all := make([]oddTable, 60)
	for i := range all {
		name := fmt.Sprintf("%s %d", odd[i%len(odd)], i)
		if i%3 == 0 {
			name = strings.Repeat("ä", 28) + fmt.Sprint(i) // near the longest name that there may be
		}
		all[i] = oddTable{name: "odd." + sqlName(name), key: sqlName(odd[(i+1)%len(odd)]), keyType: kinds[i%4]}
		for j := range 4 {
			all[i].columns = append(all[i].columns, sqlName(fmt.Sprintf("%s %d", odd[(i+j)%len(odd)], j)))
			all[i].types = append(all[i].types, kinds[(i+j)%len(kinds)])
		}
	}
	return all
}

// makeOddTables is SQL that makes the tables, each with a row.
func makeOddTables() string {
	made := "CREATE SCHEMA odd; CREATE TYPE odd.mood AS ENUM ('sad', 'o k'); SET search_path = odd;\n"
	for i, o := range oddTables() {
		columns, values := []string{o.key + " " + o.keyType.sqlType + " PRIMARY KEY"}, []string{o.keyType.values[0]}
		for j, kind := range o.types {
			columns, values = append(columns, o.columns[j]+" "+kind.sqlType), append(values, kind.values[i%len(kind.values)])
		}
		made += fmt.Sprintf("CREATE TABLE %s (%s); INSERT INTO %[1]s VALUES (%[3]s);\n", o.name, strings.Join(columns, ", "), strings.Join(values, ", "))
	}
	return made + "RESET search_path"
}

// write is a transaction that inserts, updates or deletes a row, or changes its key.
func (o oddTable) write(n int) string {
	n /= 60
	at := func(kind generatedColumn, n int) string {
		return kind.values[n%len(kind.values)] + "::" + strings.Replace(kind.sqlType, "mood", "odd.mood", 1)
	}
	key, other := at(o.keyType, n/4), at(o.keyType, n/4+1)
	values := []string{key, at(o.types[0], n), at(o.types[1], n), at(o.types[2], n)}
	switch n % 4 {
	case 0, 1:
		return fmt.Sprintf(`INSERT INTO %s (%s, %s) VALUES (%s) ON CONFLICT (%[2]s) DO UPDATE SET %[5]s = EXCLUDED.%[5]s, %[6]s = NULL`,
			o.name, o.key, strings.Join(o.columns[:3], ", "), strings.Join(values, ", "), o.columns[0], o.columns[1])
	case 2:
		return fmt.Sprintf(`DELETE FROM %s WHERE %s = %s`, o.name, o.key, key)
	default:
		return fmt.Sprintf(`BEGIN; LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE; DELETE FROM %[1]s WHERE %s = %s; UPDATE %[1]s SET %[2]s = %[3]s, %s = %s WHERE %[2]s = %s; COMMIT`,
			o.name, o.key, other, o.columns[2], at(o.types[2], n), key)
	}
}

func sqlName(name string) string { return pgx.Identifier{name}.Sanitize() }

// topic is the topic of the table.
func (o oddTable) topic() string {
	name := strings.TrimPrefix(o.name, "odd.")
	return "odd/" + topic.Segment(strings.ReplaceAll(name[1:len(name)-1], `""`, `"`))
}
