package resource

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/config/rules"
	"rowcall/schema/schematest"
)

// typesOfPostgreSQL are the types of PostgreSQL that a column can have, and arrays of them.
const typesOfPostgreSQL = `
SELECT format_type(t.oid, NULL) FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
WHERE t.typnamespace = 'pg_catalog'::regnamespace AND coalesce(e.typtype, t.typtype) IN ('b', 'r', 'm') ORDER BY t.typcategory = 'A', t.typname`

// A value that a type cannot read is the user's mistake, and is told with its field, whatever SQLSTATE the
// type has for it. Nothing of it is an error of ours.
func TestMalformedValuesOfEveryType(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	rows, _ := db.Pool(t).Query(t.Context(), typesOfPostgreSQL)
	types, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(types) < 100 {
		t.Fatalf("got %d types, %v, want all of them", len(types), err)
	}
	var resources []rules.Resource
	for part := range slices.Chunk(types, 20) { // narrow tables, since every answer shows the whole row
		table, columns := fmt.Sprintf("part%d", len(resources)), ""
		for i, name := range part {
			columns += fmt.Sprintf(", c%d %s", i, name)
		}
		db.Exec(t, `CREATE TABLE `+table+` (id int PRIMARY KEY`+columns+`); INSERT INTO `+table+` VALUES (1); GRANT SELECT, UPDATE ON `+table+` TO rowcall_app`)
		resources = append(resources, rules.Resource{Name: table, Table: table, Allow: "public"})
	}
	anybody := openServerOn(t, db, resources, nil).user(t, "")
	for i, name := range types {
		values := []string{`{"a":"("}`, `["(", "\""]`}
		if !strings.HasSuffix(name, "[]") {
			values = append(values, `" "`, `"x ( y"`, `"nosuch.x"`, `"users.nosuch%TYPE"`, `"a.b.c.d"`, `"=("`, `"\"x"`, `"int4(7)"`, `"setof"`, `"99999999999999999999"`,
				`"`+strings.Repeat("x", 70)+`"`, `"`+strings.Repeat("(", 9000)+`"`)
		}
		for _, value := range values {
			field := fmt.Sprintf("c%d", i%20)
			got := anybody.Send("PATCH", fmt.Sprintf("/api/part%d/1", i/20), `{"`+field+`":`+value+`}`)
			told := strings.Contains(got.Body, `"errors":{"`+field+`":["`) || strings.Contains(got.Body, `"errors":{"non_field_errors":["A value is out of range."]`)
			if got.Status != 200 && (got.Status != 400 || !told) {
				t.Errorf("%s of %.40s: got %d %s, want 200, or 400 with the field", name, value, got.Status, got.Body)
			}
		}
	}
}
