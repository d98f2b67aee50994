package triggers_test

import (
	"encoding/json"
	"os"
	"testing"

	"rowcall/schema/schematest"
)

// TestSegmentsAgree writes texts as parts of topics in SQL. The tests of package topic and of the npm package
// read the same file.
func TestSegmentsAgree(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.CoreOnly))
	file, err := os.ReadFile("../notifier/topic/testdata/segments.json")
	var cases [][2]string
	if err != nil || json.Unmarshal(file, &cases) != nil || len(cases) == 0 {
		t.Fatalf("reading the texts: %v", err)
	}
	cases = append(cases, [2]string{"", ""}) // which is no part of a topic elsewhere
	texts := make([]string, len(cases))
	for i, c := range cases {
		texts[i] = c[0]
	}
	got := one[[]string](d, `SELECT array_agg(rowcall.segment(text) ORDER BY place) FROM unnest($1::text[]) WITH ORDINALITY AS given (text, place)`, texts)
	for i, c := range cases {
		if got[i] != c[1] {
			t.Errorf("%q: SQL writes %s, want %s", c[0], got[i], c[1])
		}
	}
}

// TestSegmentTrustsNoSetting runs segment where the session's search_path leads to other operators, and on texts
// whose collation is not deterministic.
func TestSegmentTrustsNoSetting(t *testing.T) {
	t.Parallel()
	d := at(t, schematest.New(t, schematest.CoreOnly))
	d.run(`CREATE COLLATION loose (provider = icu, locale = 'und-u-ka-shifted-ks-level1', deterministic = false);
		CREATE TABLE tags (name text COLLATE loose); INSERT INTO tags VALUES ('a b'), ('.'), (' '), ('plain');
		CREATE SCHEMA evil; CREATE FUNCTION evil.always(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
		CREATE OPERATOR evil.~ (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.always);
		CREATE OPERATOR evil.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.always);
		SET search_path = evil, pg_catalog, public`)
	if got := one[string](d, `SELECT string_agg(rowcall.segment(name), ' ') FROM public.tags`); got != "a%20b %2E %20 plain" {
		t.Errorf("got %s", got)
	}
}
