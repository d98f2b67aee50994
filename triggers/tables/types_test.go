package tables_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rowcall/config/rules"
	"rowcall/schema/schematest"
	"rowcall/triggers/tables"
)

// typeRow is a row of the table of types in docs/tables.md: a type, a value as SQL, and how it is filed.
type typeRow struct{ sqlType, value, filed string }

// typeRows reads the table of types.
func typeRows(t *testing.T) []typeRow {
	t.Helper()
	page, err := os.ReadFile("../../docs/tables.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []typeRow
	for _, found := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| `([^`]+)` \\| `([^`]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		all = append(all, typeRow{found[1], found[2], found[3]})
	}
	if len(all) < 60 {
		t.Fatalf("docs/tables.md has %d types, want all of PostgreSQL", len(all))
	}
	return all
}

// typesMade makes the types that the table of types names.
const typesMade = `CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN positive AS numeric CHECK (VALUE > 0); CREATE DOMAIN moment AS timestamptz;
	CREATE TYPE visit AS (at timestamptz, price numeric, weight float8); CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE TABLE types (id int PRIMARY KEY)`

// hostile are settings on which the text of values could depend.
const hostile = `SET TimeZone = 'Asia/Kolkata'; SET DateStyle = 'German, DMY'; SET IntervalStyle = 'sql_standard'; SET extra_float_digits = -15;
	SET bytea_output = 'escape'; SET lc_monetary = 'C'; SET search_path = 'pg_temp'; SET quote_all_identifiers = on; SET array_nulls = off;
	SET standard_conforming_strings = off; SET transform_null_equals = on`

// Every type of PostgreSQL is filed as docs/tables.md says, in events and snapshots, whatever the settings of the writer are.
func TestTypes(t *testing.T) {
	t.Parallel()
	rows := typeRows(t)
	for _, numbers := range []string{rules.NumbersJSON, rules.NumbersText} {
		t.Run(numbers, func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.CoreOnly)
			db.Exec(t, typesMade)
			var columns, values, added []string
			want := map[string]json.RawMessage{"id": json.RawMessage("1")}
			for i, r := range rows {
				added = append(added, fmt.Sprintf("ADD c%d %s", i, r.sqlType))
				columns, values = append(columns, fmt.Sprintf("c%d", i)), append(values, fmt.Sprintf("(%s)::%s AS c%d", r.value, r.sqlType, i))
				want[columns[i]] = json.RawMessage(filedAs(r, numbers))
			}
			db.Exec(t, `ALTER TABLE types `+strings.Join(added, ", "))
			declared := rules.Table{Table: "public.types", Numbers: numbers, Topics: topics("types")}
			apply(t, db, declared)
			for _, settings := range []string{"", hostile} {
				d := at(t, db)
				d.run(`BEGIN; CREATE TEMP TABLE v AS SELECT 1 AS id, ` + strings.Join(values, ", ") + `;` + settings + `; INSERT INTO public.types SELECT * FROM v`)
				var event struct{ New map[string]json.RawMessage }
				filed := d.events()
				if err := json.Unmarshal([]byte(strings.TrimPrefix(filed[0], "types types.insert ")), &event); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(texts(want), texts(event.New)); diff != "" {
					t.Errorf("new, with %q (-want +got):\n%s", settings, diff)
				}
				if diff := cmp.Diff(texts(want), snapshotRow(t, d, resolve(t, db, declared)[0])); diff != "" {
					t.Errorf("the snapshot, with %q (-want +got):\n%s", settings, diff)
				}
				d.run(`ROLLBACK`)
			}
		})
	}
}

// filedAs is how a value is filed: int8 and numeric, also in arrays, are strings where numbers are text.
func filedAs(r typeRow, numbers string) string {
	exact := regexp.MustCompile(`^(int8|numeric|positive)(\[\])*$`).MatchString(r.sqlType)
	if numbers == rules.NumbersText && exact {
		return regexp.MustCompile(`(^|[\[,])(-?[0-9][0-9.]*)`).ReplaceAllString(r.filed, `$1"$2"`)
	}
	return r.filed
}

func texts(values map[string]json.RawMessage) map[string]string {
	all := map[string]string{}
	for name, value := range values {
		var b bytes.Buffer
		_ = json.Compact(&b, value) // it was read from JSON
		all[name] = b.String()
	}
	return all
}

// snapshotRow reads the first row of a snapshot, with times as package access writes them.
func snapshotRow(t *testing.T, d *desk, table tables.Table) map[string]string {
	t.Helper()
	var text string
	err := d.QueryRow(t.Context(), `SELECT rowcall.json_with_iso(s)::text FROM (`+table.Rules()[0].Snapshot+`) s`).Scan(&text)
	if err != nil {
		t.Fatal(err)
	}
	var row map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &row); err != nil {
		t.Fatal(err)
	}
	return texts(row)
}
