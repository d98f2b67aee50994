package tables_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rowcall/config/rules"
	"rowcall/schema/schematest"
	"rowcall/triggers/tables"
)

// notOfPlan are the files whose queries Resolve and Plan do not run.
var notOfPlan = []string{"fingerprint.sql", "valuetypes.sql", "uninstall.go", "watch.go", "watch_lock.go"}

// neverChange is what Plan's queries read and no statement changes in a row that stays: the columns that find a row, and what
// another relation, type, index, constraint or trigger would have, which the fingerprint tells by its OID or its row.
const neverChange = `
	relations/a.attnum relations/a.attrelid relations/b.typbasetype relations/b.typtype relations/c.relkind relations/c.relpersistence relations/e.enumtypid relations/f.type
	relations/getdatabaseencoding( relations/i.indexprs relations/i.indexrelid relations/i.indimmediate relations/i.indisunique relations/i.indkey
	relations/i.indnkeyatts relations/i.indpred relations/i.indrelid relations/l.collisdeterministic relations/p.relkind relations/r.rngmultitypid
	relations/r.rngsubtype relations/r.rngtypid relations/t.tgisinternal relations/t.tgrelid relations/t.typbasetype relations/t.typcategory
	relations/t.typelem relations/t.typrelid relations/t.typtype relations/tree.relid triggers/t.tgconstraint triggers/t.tgrelid
	functions/acldefault( functions/p.pronamespace functions/p.prorettype functions/t.tgrelid functions/t.tgparentid`

// ofTheRole is what says what the role that applies may do: the fingerprint leaves it out.
const ofTheRole = `notOwned/pg_has_role(`

// catalogBefore is a database for catalogChanges, in which each name of a role ends with the name of the database.
const catalogBefore = `
	CREATE ROLE maker_$ SUPERUSER; CREATE ROLE heir_$ SUPERUSER; CREATE SCHEMA kinds; CREATE SCHEMA archive; CREATE SCHEMA store; CREATE SCHEMA foreigners;
	CREATE TYPE kinds.mood AS ENUM ('sad', 'glad'); CREATE DOMAIN kinds.humour AS kinds.mood; CREATE TYPE kinds.pair AS (x int, y int);
	SET ROLE maker_$; CREATE TYPE kinds.word; CREATE FUNCTION kinds.word_in(cstring) RETURNS kinds.word LANGUAGE internal IMMUTABLE STRICT AS 'textin';
	CREATE FUNCTION kinds.word_out(kinds.word) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
	CREATE TYPE kinds.word (INPUT = kinds.word_in, OUTPUT = kinds.word_out, LIKE = text); RESET ROLE;
	CREATE TABLE things (a int NOT NULL, b int NOT NULL, c int, mood kinds.humour, word kinds.word, pairs kinds.pair[], note varchar(9) NOT NULL, twice int GENERATED ALWAYS AS (b * 2) STORED);
	CREATE UNIQUE INDEX things_aa ON things (a); CREATE UNIQUE INDEX things_bb ON things (b);
	CREATE TABLE keyed (id int PRIMARY KEY, parent int);
	CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE archive.parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
	CREATE FUNCTION foreigners.own() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	CREATE TRIGGER "0_rowcall_like" AFTER INSERT ON keyed FOR EACH ROW EXECUTE FUNCTION foreigners.own();
	CREATE TABLE store.stray (id int PRIMARY KEY)`

// catalogChanges are statements, each with what it changes of what Plan's queries read.
var catalogChanges = []struct{ sql, changes string }{
	{`ALTER TYPE kinds.pair RENAME ATTRIBUTE x TO z`, "relations/a.attname"},
	{`ALTER TYPE kinds.pair ADD ATTRIBUTE w int`, ""},
	{`ALTER TYPE kinds.pair DROP ATTRIBUTE w`, "relations/a.attisdropped"},
	{`ALTER INDEX things_aa RENAME TO things_zz`, "relations/x.relname"},
	{`ALTER SCHEMA archive RENAME TO attic`, "relations/m.nspname"},
	{`ALTER TABLE attic.parted_1 RENAME TO parted_one`, "relations/p.relname"},
	{`ALTER TABLE attic.parted_one SET SCHEMA store`, "relations/p.relnamespace"},
	{`ALTER ROLE maker_$ NOSUPERUSER`, "relations/r.rolsuper"},
	{`ALTER TYPE kinds.word OWNER TO heir_$`, "relations/t.typowner"},
	{`ALTER TYPE kinds.mood RENAME TO feeling`, "relations/t.typname"},
	{`ALTER SCHEMA kinds RENAME TO types`, "relations/format_type("},
	{`ALTER TYPE types.feeling SET SCHEMA store`, "relations/t.typnamespace"},
	{`ALTER TYPE store.feeling RENAME VALUE 'sad' TO 'blue'`, "relations/e.enumlabel"},
	{`ALTER TYPE store.feeling ADD VALUE 'mad' BEFORE 'blue'`, "relations/e.enumsortorder"},
	{`ALTER DOMAIN types.humour SET NOT NULL`, "relations/t.typnotnull relations/b.typnotnull relations/base_types.typnotnull"},
	{`ALTER TABLE things RENAME c TO d`, "relations/a.attname"},
	{`ALTER TABLE things ALTER note DROP NOT NULL`, "relations/a.attnotnull"},
	{`ALTER TABLE things ALTER note TYPE varchar(20)`, "relations/a.atttypmod"},
	{`ALTER TABLE things ALTER note TYPE text`, "relations/a.atttypid"},
	{`ALTER TABLE things ALTER note TYPE text COLLATE "C"`, "relations/a.attcollation"},
	{`ALTER TABLE things ALTER d TYPE int[] USING ARRAY[d]`, "relations/a.attndims"},
	{`ALTER TABLE things ALTER twice DROP EXPRESSION`, "relations/a.attgenerated"},
	{`ALTER TABLE things DROP twice`, "relations/a.attisdropped"},
	{`ALTER TABLE things ENABLE ROW LEVEL SECURITY`, "relations/c.relrowsecurity"},
	{`ALTER TABLE keyed ADD FOREIGN KEY (parent) REFERENCES keyed ON DELETE CASCADE`, "relations/k.conrelid relations/k.confrelid relations/k.confdeltype relations/k.confupdtype"},
	{`ALTER TABLE keyed DROP CONSTRAINT keyed_pkey CASCADE`, "relations/i.indisprimary"},
	{`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'things_bb'::regclass`, "relations/i.indisvalid"},
	{`INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate) VALUES (1, 'keyed'::regclass, 'i')`, "relations/s.srrelid"},
	{`DELETE FROM pg_subscription_rel WHERE srsubid = 1`, ""},

	{`ALTER FUNCTION foreigners.own() RENAME TO mine`, "triggers/p.proname"},
	{`ALTER SCHEMA foreigners RENAME TO strangers`, "triggers/n.nspname"},
	{`ALTER FUNCTION strangers.mine() SET SCHEMA rowcall`, "triggers/p.pronamespace relations/p.pronamespace"},
	{`ALTER TRIGGER "0_rowcall_like" ON keyed RENAME TO "0_rowcall_as"`, "triggers/t.tgname relations/t.tgname functions/t.tgname"},
	{`ALTER TABLE keyed DISABLE TRIGGER "0_rowcall_as"`, "triggers/t.tgenabled"},
	{`CREATE OR REPLACE TRIGGER "0_rowcall_as" AFTER UPDATE OF parent ON keyed FOR EACH ROW WHEN (NEW.id > 0) EXECUTE FUNCTION rowcall."public.keyed"('x')`,
		"triggers/t.tgtype relations/t.tgtype triggers/t.tgattr triggers/t.tgqual triggers/t.tgnargs triggers/t.tgfoid relations/t.tgfoid"},
	{`CREATE OR REPLACE TRIGGER "0_rowcall_as" AFTER UPDATE ON keyed REFERENCING OLD TABLE AS o NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION rowcall."public.keyed"()`,
		"triggers/t.tgoldtable triggers/t.tgnewtable"},

	{`CREATE TRIGGER stray AFTER INSERT ON store.stray FOR EACH ROW EXECUTE FUNCTION rowcall."public.things"()`, ""},
	{`ALTER TABLE store.stray RENAME TO astray`, "functions/regclass::text"},
	{`ALTER TABLE store.astray SET SCHEMA types`, "functions/regclass::text"},
	{`ALTER SCHEMA types RENAME TO kinds`, "functions/regclass::text"},
	{`COMMENT ON FUNCTION rowcall."public.things"() IS 'mine'`, "functions/obj_description("},
	{`ALTER FUNCTION rowcall."public.things"() SECURITY INVOKER`, "functions/p.prosecdef"},
	{`ALTER FUNCTION rowcall."public.things"() SET work_mem = '8MB'`, "functions/p.proconfig"},
	{`GRANT EXECUTE ON FUNCTION rowcall."public.things"() TO PUBLIC`, "functions/p.proacl"},
	{`ALTER FUNCTION rowcall."public.things"() OWNER TO heir_$`, "functions/p.proowner"},
	{`CREATE OR REPLACE FUNCTION rowcall."public.things"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`, "functions/p.prosrc"},
	{`ALTER FUNCTION rowcall."public.things"() RENAME TO "public.thing"`, "functions/p.proname"},

	{`ALTER TABLE keyed OWNER TO maker_$`, "notOwned/c.relowner"},
	{`ALTER ROLE maker_$ RENAME TO former_$; ALTER ROLE former_$ RENAME TO former2_$`, "notOwned/r.rolname"},
	{`ALTER ROLE former2_$ RENAME TO maker_$`, ""},
	{`ALTER SCHEMA rowcall OWNER TO heir_$`, "roles/n.nspowner functions/n.nspowner"},
	{`ALTER ROLE heir_$ RENAME TO next_$`, "roles/r.rolname"},
	{`ALTER ROLE next_$ RENAME TO heir_$`, ""},

	{`ALTER TABLE parted DETACH PARTITION store.parted_one`, "relations/pg_partition_tree( relations/i.inhparent relations/i.inhrelid"},
	{`ALTER TABLE things RENAME TO whole; CREATE TABLE things (id int) PARTITION BY LIST (id)`, "relations/c.relname"},
	{`ALTER TABLE keyed SET SCHEMA store`, "relations/c.relnamespace"},
	{`ALTER TABLE store.keyed SET SCHEMA public`, ""},
	{`CREATE TABLE all_keyed (id int NOT NULL, parent int) PARTITION BY LIST (id); ALTER TABLE all_keyed ATTACH PARTITION keyed DEFAULT`, "relations/c.relispartition"},
	{`ALTER SCHEMA public RENAME TO published`, "relations/n.nspname"},
	{`ALTER SCHEMA rowcall RENAME TO called`, "relations/to_regnamespace( functions/n.nspname roles/n.nspname"},
}

// For all that Plan's queries read there is a statement that changes it, or a reason why none does. The fingerprint changes
// with each statement.
func TestFingerprintHasAllThatPlanReads(t *testing.T) {
	t.Parallel()
	known := strings.Fields(neverChange + " " + ofTheRole)
	for _, c := range catalogChanges {
		known = append(known, strings.Fields(c.changes)...)
	}
	read := readByPlan(t)
	for _, name := range read {
		if !slices.Contains(known, name) {
			t.Errorf("Plan reads %s: add a statement that changes it to catalogChanges", name)
		}
	}
	for _, name := range known {
		if !slices.Contains(read, name) {
			t.Errorf("Plan does not read %s any more: remove it here", name)
		}
	}

	db := schematest.New(t, schematest.CoreOnly)
	named := func(sql string) string { return strings.ReplaceAll(sql, "_$", "_"+db.Name) }
	t.Cleanup(func() {
		for _, role := range []string{"maker_$", "heir_$"} {
			db.Exec(t, named(`DROP OWNED BY `+role+` CASCADE; DROP ROLE `+role))
		}
	})
	db.Exec(t, named(catalogBefore))
	declared := []rules.Table{
		{Table: "public.things", Topics: topics("things")},
		{Table: "public.keyed", Topics: topics("keyed/{id}")},
		{Table: "public.parted", Topics: topics("parted/{id}")},
	}
	apply(t, db, declared...)
	pool, last := db.DB(t), fingerprint(t, db, declared...)
	for _, c := range catalogChanges {
		db.Exec(t, named(c.sql))
		now, err := tables.Fingerprint(t.Context(), pool, declared)
		if err != nil {
			t.Fatal(err)
		}
		if now == last {
			t.Errorf("%s: the fingerprint does not change, and Plan reads %s", c.sql, c.changes)
		}
		last = now
	}
}

var (
	queryForm    = regexp.MustCompile("(\\w+) += `([^`]*(?:FROM|JOIN) pg_[^`]*)`")
	sqlComment   = regexp.MustCompile(`--.*`)
	catalogReads = regexp.MustCompile(`\b[a-z]\w*\.(?:typ|tg|rol|nsp|rel|att|ind|con|pro|enum|rng|inh|sr|coll)[a-z]+\b|\b(?:pg_[a-z_]+|format_type|obj_description|getdatabaseencoding|to_regnamespace|acldefault)\(|regclass::text`)
)

// readByPlan is what the queries of Plan read: each column of the catalog with its alias, and each function that looks into the
// catalog, behind the name of the query.
func readByPlan(t *testing.T) []string {
	t.Helper()
	queries := map[string]string{}
	files, err := filepath.Glob("*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || slices.Contains(notOfPlan, name) {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "catalog.sql" {
			queries["relations"] = string(text)
		}
		for _, found := range queryForm.FindAllStringSubmatch(string(text), -1) {
			queries[strings.TrimSuffix(found[1], "Query")] = found[2]
		}
	}
	aliasesOfOthers := regexp.MustCompile(`^(?:type_parts|type_traits|base_types|domain_chain|b)\.type$`)
	var all []string
	for name, sql := range queries {
		for _, found := range catalogReads.FindAllString(sqlComment.ReplaceAllString(sql, ""), -1) {
			if !aliasesOfOthers.MatchString(found) {
				all = append(all, name+"/"+found)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
