package doctor_test

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"rowcall/cmd/internal/doctor"
	"rowcall/cmd/internal/node"
	"rowcall/config"
	"rowcall/schema/schematest"
)

func TestMain(m *testing.M) { schematest.Main(m) }

// settings is the configuration of the example applications for a database.
func settings(t *testing.T, dsn string) *config.Config {
	t.Helper()
	c, err := config.Load(config.Sources{Default: config.Example, Environment: map[string]string{"ROWCALL_DATABASE_URL": dsn, "ROWCALL_HTTP_ADDR": "127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func examine(t *testing.T, c *config.Config, o doctor.Options) []doctor.Finding {
	t.Helper()
	found, err := doctor.Examine(t.Context(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// few creates a role without rights that may connect, and returns its name and its URL.
func few(t *testing.T, db *schematest.Database) (role, dsn string) {
	t.Helper()
	role = "few_" + db.Name
	db.Exec(t, `CREATE ROLE `+role+` LOGIN PASSWORD 'secret'`)
	t.Cleanup(func() { db.Exec(t, `DROP OWNED BY `+role+` CASCADE; DROP ROLE `+role) })
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "secret")
	return role, u.String()
}

// database makes the database of a fault, with the fault in it.
func (f fault) database(t *testing.T, spell *strings.Replacer, db *schematest.Database) {
	t.Helper()
	if f.sql != "" {
		conn := db.Conn(t)
		if _, err := conn.PgConn().Exec(t.Context(), spell.Replace(f.sql)).ReadAll(); err != nil {
			t.Fatal(err)
		}
		conn.Close(t.Context())
	}
	if f.hold != "" {
		if _, err := db.Conn(t).PgConn().Exec(t.Context(), "BEGIN; "+f.hold).ReadAll(); err != nil {
			t.Fatal(err)
		}
		db.Exec(t, `SELECT pg_current_xact_id()`) // a snapshot names the transaction above only if a later one has ended
	}
}

// TestFaults injects each fault into a real database, and sees the doctor name it.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, f := range faults() {
		t.Run(f.code, func(t *testing.T) {
			t.Parallel()
			db := f.start(t)
			role, dsn := few(t, db)
			spell := strings.NewReplacer("{db}", db.Name, "{few}", role)
			f.database(t, spell, db)
			if !f.few {
				dsn = db.URL
			}
			c := settings(t, dsn)
			if f.config != nil {
				f.config(c)
			}
			found := examine(t, c, f.options)
			for _, g := range found {
				at := g.Table + " " + g.Object
				if g.Code == f.code && strings.Contains(at, spell.Replace(f.of)) && strings.Contains(g.Remedy, spell.Replace(f.remedy)) {
					return
				}
			}
			t.Errorf("no finding %s of %q with remedy %q:\n%+v", f.code, spell.Replace(f.of), spell.Replace(f.remedy), found)
		})
	}
}

func (f fault) start(t *testing.T) *schematest.Database {
	var options []schematest.Option
	if f.content != 0 {
		options = append(options, f.content)
	}
	if f.server != nil {
		return schematest.PrivateWith(t, f.server, options...)
	}
	return schematest.New(t, options...)
}

// TestHealthy examines a database that a node serves, and finds nothing. The doctor's locks hold up no writer.
func TestHealthy(t *testing.T) {
	t.Parallel()
	db := schematest.PrivateWith(t, map[string]string{"max_prepared_transactions": "0"}, schematest.Samples)
	db.Exec(t, tasks+`INSERT INTO tasks VALUES (1); UPDATE dams SET name = 'changed'`)
	c := settings(t, db.URL)
	serve(t, c)
	if found := examine(t, c, doctor.Options{}); len(found) > 0 {
		t.Errorf("a healthy database: got %+v", found)
	}
}

// serve runs a node until the test ends, and returns when it is ready.
func serve(t *testing.T, c *config.Config) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	log := slog.New(slog.DiscardHandler)
	at, err := node.OpenListeners(ctx, c, log)
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(ctx, c, node.Options{}, log)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx, at) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		at.Close()
	})
	<-n.Ready()
}

// TestFix repairs what needs no decision, and nothing else.
func TestFix(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	db.Exec(t, tasks+`
		ALTER TABLE tasks DISABLE TRIGGER "0_rowcall";
		DROP TRIGGER "0_rowcall" ON dams; ALTER TABLE patients DISABLE TRIGGER "0_rowcall";
		DROP FUNCTION rowcall.cursor; ALTER FUNCTION rowcall.publish SET search_path = public;
		ALTER SEQUENCE rowcall.log_id CACHE 20; ALTER SEQUENCE rowcall.state OWNER TO postgres`)
	c := settings(t, db.URL)
	did, err := doctor.Fix(t.Context(), c, examine(t, c, doctor.Options{}), slog.New(slog.DiscardHandler))
	if err != nil || len(did) != 2 || !strings.Contains(did[0], "rowcall.cursor") || !strings.Contains(did[1], "rowcall.log_id") {
		t.Errorf("got %q, %v", did, err)
	}
	var left []string
	for _, f := range examine(t, c, doctor.Options{}) {
		if f.Severity != doctor.Information {
			left = append(left, f.Code+" "+f.Table)
		}
	}
	if want := "trigger.disabled public.tasks"; strings.Join(left, ", ") != want {
		t.Errorf("after the repairs: got %q, want %s, which somebody may have meant", left, want)
	}
}

// TestLockedTables examines a database whose tables are locked, and that nobody may write: the doctor neither waits for
// long nor writes.
func TestLockedTables(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	const lock = `BEGIN READ WRITE; LOCK TABLE users, chat_rooms, chat_messages, dams, patients, rowcall.sessions, rowcall.boot IN ACCESS EXCLUSIVE MODE`
	db.Exec(t, `ALTER DATABASE `+db.Name+` SET default_transaction_read_only = on`)
	if _, err := db.Conn(t).PgConn().Exec(t.Context(), lock).ReadAll(); err != nil {
		t.Fatal(err)
	}
	timeouts := 0
	for _, f := range examine(t, settings(t, db.URL), doctor.Options{}) {
		if f.Code == doctor.LookTimeout {
			timeouts++
		} else if f.Severity != doctor.Information {
			t.Errorf("a locked database: got %+v", f)
		}
	}
	if timeouts == 0 {
		t.Error("a locked database: got no finding that says so")
	}
}

// TestLocks watches the locks of the doctor: none of them holds up a writer.
func TestLocks(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	c := settings(t, db.URL)
	done := make(chan error, 1)
	go func() {
		for range 5 {
			if _, err := doctor.Examine(t.Context(), c, doctor.Options{}); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	const others = `
		SELECT count(*), coalesce(string_agg(DISTINCT mode, ', ') FILTER (WHERE mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')), '')
		FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE datname = current_database() AND pid <> pg_backend_pid() AND locktype = 'relation'`
	conn, seen := db.Conn(t), 0
	for {
		var locks int
		var modes string
		if err := conn.QueryRow(t.Context(), others).Scan(&locks, &modes); err != nil {
			t.Fatal(err)
		}
		seen += locks
		if modes != "" {
			t.Errorf("the doctor holds %s, which a writer waits for", modes)
		}
		select {
		case err := <-done:
			if err != nil || seen == 0 {
				t.Errorf("it ended with %v; %d locks were seen", err, seen)
			}
			return
		default:
		}
	}
}
