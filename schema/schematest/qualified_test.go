package schematest_test

import (
	"slices"
	"testing"

	"rowcall/schema/schematest"
)

// TestUnqualifiedFindsWhatDependsOnTheSearchPath gives it one line for each way of leaving a name to the search path.
func TestUnqualifiedFindsWhatDependsOnTheSearchPath(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`a := lower(b);`:                                 "function lower",
		`a := b || 'x';`:                                 "operator ||",
		`IF a = 1 THEN`:                                  "operator =",
		`a := -1;`:                                       "operator -",
		`a := b::text;`:                                  "type text",
		`a := b::text[];`:                                "type text",
		`DECLARE a json := b; BEGIN`:                     "type json",
		`DECLARE a text; BEGIN`:                          "type text",
		`DECLARE a CONSTANT text[] := b; BEGIN`:          "type text",
		`INSERT INTO log (a) VALUES (1);`:                "table log",
		`a := (SELECT b FROM things);`:                   "table things",
		`a := pg_catalog.min(b) COLLATE "C";`:            `collation "c"`,
		`IF a IS DISTINCT FROM b THEN`:                   "operator of distinct",
		`IF a IN (1, 2) THEN`:                            "operator of in",
		`IF a BETWEEN b AND c THEN`:                      "operator of between",
		`a := CASE b WHEN 1 THEN 2 END;`:                 "operator of case",
		`a := nullif(b, c);`:                             "operator of nullif",
		`a := b OPERATOR(pg_catalog.->) 'x' -> 'y';`:     "operator ->",
		`a := pg_catalog.concat(b, upper(c)); -- lower(`: "function upper",
	} {
		if got := schematest.Unqualified(body); !slices.Contains(got, want) {
			t.Errorf("Unqualified(%q) = %q, want %q in it", body, got, want)
		}
	}
}

func TestUnqualifiedAcceptsWhatHasASchema(t *testing.T) {
	t.Parallel()
	const body = `
DECLARE
    slot pg_catalog.int2 := rowcall.writing_slot();  -- = lower(x)
    many integer := 3;
    all_of pg_catalog.text[] := '{a, b}';
BEGIN
    IF slot IS NULL OR (a OPERATOR(pg_catalog.=) 'b = c') THEN
        RETURN NULL;
    END IF;
    a := pg_catalog."left"(b, 600) OPERATOR(pg_catalog.||) E'\n';
    a := coalesce(b::pg_catalog.text, CASE WHEN c THEN d ELSE e END);
    INSERT INTO rowcall.log (slot, topic) VALUES (slot, a);
    INSERT INTO rowcall.log (slot, topic) SELECT slot, r.a FROM (SELECT b AS a FROM new_rows) AS r CROSS JOIN LATERAL (VALUES (1)) AS e (place);
    EXIT WHEN a IS NOT NULL;
    CONTINUE WHEN rowcall.replan(SQLSTATE);
    RETURN NULL;
END`
	if got := schematest.Unqualified(body); len(got) > 0 {
		t.Errorf("Unqualified finds %q in a body that has all names qualified", got)
	}
}
