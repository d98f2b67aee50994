package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// typedShop has what types are made of, and names that try to become code.
const typedShop = `
CREATE TYPE order_state AS ENUM ('open', 'paid', E'it''s \\ \n */ ` + "`${1}`" + `');
CREATE DOMAIN amount AS numeric NOT NULL;
CREATE TYPE parcel AS (weight numeric, sizes int[], state order_state);
CREATE TABLE order_items (id bigint PRIMARY KEY, customer_id int, status order_state NOT NULL, total numeric(10,2), weight float8, amount amount,
	parcels parcel[], grid int[][], extra jsonb, during daterange, secret text, gone text);
ALTER TABLE order_items DROP gone;
CREATE TABLE stock (shop bigint, n numeric, counts bigint[], PRIMARY KEY (shop, n));
CREATE TABLE notes (id int PRIMARY KEY, mood order_state);
CREATE TYPE "Partial" AS ENUM ('Json');
CREATE TYPE "*/ export const hacked = 1 //" AS ("'; hacked()" text, "constructor" int, "__proto__" int);
CREATE SCHEMA "@ts-expect-error"; CREATE TYPE "@ts-expect-error"."ࡰxꟐ" AS ENUM ('@ts-ignore'); CREATE TYPE "@ts-expect-error" AS RANGE (SUBTYPE = int);
ALTER TABLE order_items ADD told "@ts-expect-error"."ࡰxꟐ", ADD ordered "@ts-expect-error";
CREATE SCHEMA "*/ ""'\${x}";
CREATE TABLE "*/ ""'\${x}"."'; export const hacked = 1; //` + "\u2028" + `hacked()" ("*/ hacked() /*" int PRIMARY KEY, "new" "Partial", "a'b" "*/ export const hacked = 1 //", "` + "\u202e" + `" text, "注文" text);
CREATE TABLE "2 fast" (id int PRIMARY KEY, readonly text, "get" int);
CREATE TABLE "Order-Items" (id int PRIMARY KEY); CREATE TABLE "order items" (code text PRIMARY KEY);
CREATE TABLE types_text (id int PRIMARY KEY);
CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN positive AS numeric CHECK (VALUE > 0); CREATE DOMAIN moment AS timestamptz;
CREATE TYPE visit AS (at timestamptz, price numeric, weight float8); CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE TABLE types (id int PRIMARY KEY);
`

const typedConfig = `
auth: {users: {table: "-"}}
topics:
  - {topic: "notes/{id:int}", snapshot: "SELECT id, mood FROM notes WHERE id = @id"}
  - {topic: "silent"}
tables:
  - table: public.order_items
    name: orders
    hide: [secret]
    topics: [{topic: "orders/{customer_id}"}, {topic: "states/{status}"}]
  - {table: public.stock, numbers: text, on: [insert], topics: [{topic: "stock/{shop}"}]}
  - {table: public.types, topics: [{topic: types}]}
  - {table: public.types_text, numbers: text, topics: [{topic: types_text}]}
  - {table: '"*/ ""''\${x}".*', topics: [{topic: "odd/{table}"}]}
  - {table: 'public."2 fast"', topics: [{topic: fast}]}
  - {table: 'public."Order-Items"', topics: [{topic: items}]}
  - {table: 'public."order items"', topics: [{topic: more}]}
`

// addTypes adds a column of each type in docs/tables.md to the tables of types, and returns a statement that inserts the
// values that stand there.
func addTypes(t *testing.T, db *schematest.Database) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/tables.md")
	if err != nil {
		t.Fatal(err)
	}
	var added, values []string
	for i, found := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| `([^`]+)` \\| `([^`]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		declared := found[1]
		if strings.HasPrefix(found[2], "'{{") {
			declared += "[]" // the dimensions of the value: PostgreSQL does not tell them apart, types do
		}
		added = append(added, fmt.Sprintf("ADD c%d %s", i, declared))
		values = append(values, fmt.Sprintf("(%s)::%s", found[2], found[1]))
	}
	db.Exec(t, `ALTER TABLE types `+strings.Join(added, ", ")+`; ALTER TABLE types_text `+strings.Join(added, ", "))
	all := strings.Join(values, ", ")
	return `INSERT INTO types SELECT 1, ` + all + `; INSERT INTO types_text SELECT 1, ` + all
}

// typedProject is a folder with a TypeScript project that has the types of a configuration.
type typedProject struct {
	folder string
	env    map[string]string
}

func newTypedProject(t *testing.T, db *schematest.Database) typedProject {
	t.Helper()
	p := typedProject{folder: t.TempDir()}
	p.env = map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_CONFIG": filepath.Join(p.folder, "rowcall.yaml")}
	p.write(t, "rowcall.yaml", typedConfig)
	check, err := os.ReadFile("testdata/gen_ts_check.ts")
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "check.ts", string(check))
	p.configure(t)
	return p
}

// configure writes the settings of the compiler, for which the npm package is the one of this repository.
func (p typedProject) configure(t *testing.T) {
	t.Helper()
	client, err := filepath.Abs(clientFolder)
	if err != nil {
		t.Fatal(err)
	}
	settings, _ := json.Marshal(map[string]any{"compilerOptions": map[string]any{
		"target": "ES2022", "module": "NodeNext", "lib": []string{"ES2023", "DOM", "DOM.AsyncIterable"}, "types": []string{},
		"strict": true, "noEmit": true, "skipLibCheck": true, "verbatimModuleSyntax": true, "isolatedModules": true,
		"paths": map[string][]string{"rowcall": {client + "/src/index.ts"}, "rowcall/react": {client + "/src/react.ts"}},
	}})
	p.write(t, "tsconfig.json", string(settings))
	p.write(t, "package.json", `{"type":"module"}`)
}

func (p typedProject) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p typedProject) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// compile runs the TypeScript compiler, and returns what it prints.
func (p typedProject) compile(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testdeadline.Scale(2*time.Minute))
	defer cancel()
	out, err := exec.CommandContext(ctx, "node", filepath.Join(clientFolder, "node_modules", "typescript", "bin", "tsc"), "-p", p.folder).CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Fatal(err)
	}
	return string(out)
}

// filedAsTypes is TypeScript that gives the data of filed events the types of their topics.
func filedAsTypes(t *testing.T, db *schematest.Database) string {
	t.Helper()
	text := "import type { EventOf, Registered } from 'rowcall'\nimport { parseJSON } from 'rowcall'\nexport const parse = parseJSON\n"
	rows := strings.Split(strings.TrimSpace(db.Psql(t, `\pset fieldsep '\t'
		SELECT topic, type, data FROM rowcall.log WHERE type LIKE 'types%'`)), "\n")
	if len(rows) != 4 {
		t.Fatalf("%d events are filed, want 4", len(rows))
	}
	for i, row := range rows {
		parts := strings.SplitN(row, "\t", 3)
		text += fmt.Sprintf("export const event%d: Extract<EventOf<Registered, '%s'>, { type: '%s' }>['data'] = %s\n", i, parts[0], parts[1], parts[2])
	}
	return text
}

// TestGeneratedTypes checks that the compiler takes the types that gen ts prints, for events as they are filed, and refuses
// wrong topics, types and columns; that names cannot become code; and that --check tells what differs. It is not parallel,
// because other tests install the build tools too.
func TestGeneratedTypes(t *testing.T) {
	installClient(t, t.Context())
	db := schematest.New(t, schematest.CoreOnly)
	db.Exec(t, typedShop)
	insert := addTypes(t, db)
	p := newTypedProject(t, db)
	file := filepath.Join(p.folder, "rowcall.ts")
	rowcalltest.Succeeds(t, p.env, "gen", "ts", "--output", file)
	rowcalltest.Succeeds(t, p.env, "apply")
	db.Psql(t, insert+`; UPDATE types SET c0 = 7; UPDATE types_text SET c2 = 7, c3 = NULL`)
	p.write(t, "filed.ts", filedAsTypes(t, db))
	if said := p.compile(t); said != "" {
		t.Errorf("the compiler says:\n%s", said)
	}
	if code := regexp.MustCompile(`(?m)^(export const|hacked)`).FindString(p.read(t, "rowcall.ts")); code != "" {
		t.Errorf("a name has become code: %s", code)
	}

	rowcalltest.Succeeds(t, p.env, "gen", "ts", "--check", file)
	p.write(t, "rowcall.ts", strings.ReplaceAll(p.read(t, "rowcall.ts"), "\n", "\r\n"))
	rowcalltest.Succeeds(t, p.env, "gen", "ts", "--check", file)
	db.Exec(t, `ALTER TABLE order_items ALTER total SET NOT NULL; ALTER TYPE mood ADD VALUE 'glad'`)
	check := rowcalltest.Start(t, p.env, "gen", "ts", "--check", file)
	if err := <-check.Ended; err == nil || err.Error() != "exit status 2" {
		t.Errorf("--check with another file ends with %v, want exit status 2", err)
	}
	for _, want := range []string{"  export interface OrdersRow {\n-   total: Numeric | null\n+   total: Numeric\n", "- export type Mood = 'sad' | 'ok'\n+ export type Mood = 'sad' | 'ok' | 'glad'\n"} {
		if !strings.Contains(check.Stdout.String(), want) {
			t.Errorf("--check prints\n%s\nwant in it\n%s", check.Stdout.String(), want)
		}
	}
}

// TestGeneratedTypesOfAMisfit checks that gen ts says what plan says where a column is not there, and writes no file.
func TestGeneratedTypesOfAMisfit(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Empty)
	db.Exec(t, `CREATE TABLE orders (id int PRIMARY KEY)`)
	folder := t.TempDir()
	config, file := filepath.Join(folder, "rowcall.yaml"), filepath.Join(folder, "rowcall.ts")
	const text = "auth: {users: {table: \"-\"}}\ntables: [{table: public.orders, columns: [id, total], topics: [{topic: \"orders/{customer}\"}]}]\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_CONFIG": config}
	said := rowcalltest.Fails(t, env, "gen", "ts", "--output", file)
	for _, want := range []string{`tables[0].columns[1]: public.orders has no column "total"`, `tables[0].topics[0].topic: public.orders has no column "customer"`} {
		if !strings.Contains(said, want) {
			t.Errorf("it says %q, want %q in it", said, want)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a file was written all the same")
	}
	if said := rowcalltest.Fails(t, env, "gen", "ts", "--check", file); strings.Contains(said, "is not there") {
		t.Errorf("of the file and not of the column it says %q", said)
	}
}
