package resource

import (
	"testing"

	"rowcall/config/rules"
	"rowcall/schema/schematest"
)

// PostgreSQL refuses ILIKE under a collation that takes different texts for equal, such as one that
// ignores case.
func TestSearchInLooseCollations(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	var icu bool
	if err := db.Pool(t).QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i')`).Scan(&icu); err != nil {
		t.Fatal(err)
	}
	if !icu {
		t.Skip("this PostgreSQL was built without ICU, and has no such collations")
	}
	db.Exec(t, `
		CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
		CREATE DOMAIN nick AS text COLLATE any_case;
		CREATE TABLE authors (id bigint PRIMARY KEY, name text COLLATE any_case UNIQUE, called nick, note text);
		CREATE TABLE books (id bigint PRIMARY KEY, author bigint REFERENCES authors);
		GRANT SELECT ON authors, books TO rowcall_app;
		INSERT INTO authors VALUES (1, 'Selma', 'Sel', 'Gösta'), (2, 'Astrid', NULL, '50% off');
		INSERT INTO books VALUES (7, 1), (8, 2)`)
	s := openServerOn(t, db, []rules.Resource{
		{Name: "authors", Table: "authors", Allow: "authenticated", Label: "name"},
		{Name: "books", Table: "books", Allow: "authenticated"},
	}, nil)
	alice := s.user(t, "alice")
	for address, want := range map[string]string{
		"authors?search=gösta":  `{"total":1,"rows":[{"id":1}]}`,
		"authors?search=elm":    `{"total":1,"rows":[{"id":1}]}`,
		"authors?search=SEL":    `{"total":1,"rows":[{"id":1}]}`,
		"authors?search=50%25":  `{"total":1,"rows":[{"id":2}]}`,
		"authors?search=a_trid": `{"total":0}`,
		"books?search=ASTR":     `{"total":1,"rows":[{"id":8}]}`,
		"authors?name=SELMA":    `{"total":1,"rows":[{"id":1}]}`,
	} {
		alice.Expect(200, want, "GET", "/api/"+address, "")
	}
}
