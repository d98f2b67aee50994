package doctor_test

import (
	"log/slog"
	"strings"
	"testing"

	"rowcall/cmd/internal/doctor"
	"rowcall/cmd/internal/node"
	"rowcall/config"
	"rowcall/config/rules"
	"rowcall/schema/schematest"
	"rowcall/triggers/tables"
)

const shopTables = `
	CREATE TABLE orders (id bigint PRIMARY KEY, note text, price float8);
	CREATE TABLE sold (id bigint, region text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
	CREATE TABLE sold_eu PARTITION OF sold FOR VALUES IN ('eu')`

func declared() []rules.Table {
	return []rules.Table{
		{Table: "public.orders", Hide: []string{"price"}, Topics: []rules.TableTopic{{Topic: "orders", Allow: rules.AllowPublic}}},
		{Table: "public.sold", Topics: []rules.TableTopic{{Topic: "sold/{region}", Allow: rules.AllowPublic}}},
	}
}

// startShop makes a database with declared tables that are live, and returns its configuration.
func startShop(t *testing.T) (*schematest.Database, *config.Config) {
	t.Helper()
	db := schematest.New(t)
	db.Exec(t, shopTables)
	c := settings(t, db.URL)
	c.Tables = declared()
	ignored := func(tables.Change) {}
	progress := node.ApplyProgress{Migrated: func() {}, Waits: ignored, Done: ignored}
	if err := node.ApplyTables(t.Context(), c, false, progress, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return db, c
}

// bad are the findings that are no information.
func bad(found []doctor.Finding) []string {
	var lines []string
	for _, f := range found {
		if f.Severity != doctor.Information {
			lines = append(lines, strings.TrimSpace(f.Code+" "+f.Table+" "+f.Object))
		}
	}
	return lines
}

func countPrefix(lines []string, prefix string) (n int) {
	for _, line := range lines {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

// TestDeclaredTables breaks declared tables in every way, and sees the doctor name each, once.
func TestDeclaredTables(t *testing.T) {
	t.Parallel()
	const function = `rowcall."public.orders"`
	for _, f := range []struct {
		sql, want string
		fixed     bool // by --fix
	}{
		{`ALTER TABLE orders DISABLE TRIGGER "0_rowcall"`, doctor.TriggerDisabled + ` public.orders "0_rowcall"`, true},
		{`ALTER TABLE orders ENABLE REPLICA TRIGGER "0_rowcall"`, doctor.TriggerDisabled + ` public.orders "0_rowcall"`, true},
		{`ALTER TABLE orders ENABLE TRIGGER "0_rowcall"`, doctor.TriggerNotAlways + ` public.orders "0_rowcall"`, true},
		{`DROP TRIGGER "0_rowcall" ON orders`, doctor.TriggerMissing + ` public.orders "0_rowcall"`, true},
		{`ALTER FUNCTION ` + function + ` SECURITY INVOKER`, doctor.FunctionOutdated + ` public.orders`, true},
		{`ALTER TABLE sold DISABLE TRIGGER "0_rowcall"; ALTER TABLE sold_eu ENABLE ALWAYS TRIGGER "0_rowcall"`, doctor.TriggerDisabled + ` public.sold "0_rowcall"`, true},
		{`CREATE TABLE sold_us PARTITION OF sold FOR VALUES IN ('us'); DROP TRIGGER IF EXISTS "0_rowcall_truncate" ON sold_us`, doctor.TablePartitions + ` public.sold`, true},
		{`COMMENT ON FUNCTION ` + function + ` IS NULL`, doctor.FunctionOutdated + ` public.orders`, false},
		{`DROP FUNCTION ` + function + ` CASCADE`, doctor.TableNotLive + ` public.orders`, false},
		{`ALTER TABLE orders ADD COLUMN secret text`, doctor.TableColumns + ` public.orders`, false},
		{`ALTER TABLE orders DROP COLUMN note`, doctor.TableColumns + ` public.orders`, false},
		{`DROP TABLE orders`, doctor.TableUnfit + `  tables[0]`, false},
	} {
		t.Run(f.sql, func(t *testing.T) {
			t.Parallel()
			db, c := startShop(t)
			db.Exec(t, f.sql)
			found := examine(t, c, doctor.Options{})
			if lines := bad(found); countPrefix(lines, f.want) != 1 {
				t.Errorf("got %q, want one of %q", lines, f.want)
			}
			if _, err := doctor.Fix(t.Context(), c, found, slog.New(slog.DiscardHandler)); err != nil {
				t.Fatal(err)
			}
			if left := bad(examine(t, c, doctor.Options{})); (len(left) == 0) != f.fixed {
				t.Errorf("after the repairs: got %q, want that all is well: %v", left, f.fixed)
			}
		})
	}
}

// TestFixAddsNoColumn repairs a table that has a new column: it does not leave the database.
func TestFixAddsNoColumn(t *testing.T) {
	t.Parallel()
	const function = `rowcall."public.orders"`
	const otherVersion = `DO $$ BEGIN EXECUTE 'COMMENT ON FUNCTION rowcall."public.orders" IS '
		|| quote_literal(regexp_replace(obj_description('rowcall."public.orders"'::regproc), 'format [0-9]+', 'format 0')); END $$`
	for _, ruin := range []string{`COMMENT ON FUNCTION ` + function + ` IS NULL`, otherVersion, `ALTER TABLE orders DISABLE TRIGGER "0_rowcall"`, `DROP FUNCTION ` + function + ` CASCADE`} {
		t.Run(ruin, func(t *testing.T) {
			t.Parallel()
			db, c := startShop(t)
			db.Exec(t, `ALTER TABLE orders ADD secret text DEFAULT 's'; ALTER TABLE sold DISABLE TRIGGER "0_rowcall"; `+ruin)
			if _, err := doctor.Fix(t.Context(), c, examine(t, c, doctor.Options{}), slog.New(slog.DiscardHandler)); err != nil {
				t.Fatal(err)
			}
			body := db.Text(t, `SELECT coalesce(max(prosrc), '') FROM pg_proc WHERE oid = to_regproc('`+function+`')`)
			if strings.Contains(body, "secret") {
				t.Error("after the repair the new column is filed")
			}
			if enabled := db.Text(t, `SELECT tgenabled FROM pg_trigger WHERE tgrelid = 'sold'::regclass AND tgname = '0_rowcall'`); enabled != "A" {
				t.Errorf("the trigger of the other table is %s, want A", enabled)
			}
		})
	}
}

// TestTableOfAnotherOwner examines a table that waits for a role that may make triggers on it, as a role that may not.
func TestTableOfAnotherOwner(t *testing.T) {
	t.Parallel()
	db, _ := startShop(t)
	db.Exec(t, `ALTER TABLE orders DISABLE TRIGGER "0_rowcall"`)
	role, dsn := few(t, db)
	c := settings(t, dsn)
	c.Tables = declared()
	owner := db.Text(t, `SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'orders'::regclass`)
	want := `GRANT "` + owner + `" TO "` + role + `", or run rowcall apply as "` + owner + `"`
	var remedies []string
	for _, f := range examine(t, c, doctor.Options{}) {
		if f.Code == doctor.TableUnfit && f.Table == "public.orders" && f.Object == "tables[0].table" {
			remedies = append(remedies, f.Remedy)
		}
	}
	if len(remedies) != 1 || remedies[0] != want {
		t.Errorf("got the remedies %q, want %q", remedies, want)
	}
}

// TestUndeclared finds nothing at tables that are as declared, and then says which is not declared any more.
func TestUndeclared(t *testing.T) {
	t.Parallel()
	_, c := startShop(t)
	if found := bad(examine(t, c, doctor.Options{})); len(found) > 0 {
		t.Errorf("tables as declared: got %q", found)
	}
	c.Tables = c.Tables[:1]
	expect(t, doctor.TableUndeclared, examine(t, c, doctor.Options{}))
}

// TestWatched finds a table that rowcall watch has made live, and no file declares.
func TestWatched(t *testing.T) {
	t.Parallel()
	db, c := startShop(t)
	db.Exec(t, `CREATE TABLE seen (id int PRIMARY KEY)`)
	watched := *c
	w, err := node.OpenWatch(t.Context(), &watched, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Attach(t.Context(), []string{"seen"}, tables.WatchOptions{Allow: rules.AllowStaff}); err != nil {
		t.Fatal(err)
	}
	expect(t, doctor.TableWatched, examine(t, c, doctor.Options{}))
}
