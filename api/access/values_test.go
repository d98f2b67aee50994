package access

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
)

// The names of tables and columns in configured SQL mean what they mean to their author.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	columns, values, want := "", "", ""
	for i, name := range hostileColumns() {
		columns += fmt.Sprintf(", %s int", pgx.Identifier{name}.Sanitize())
		values += fmt.Sprintf(", %d", i)
		want += fmt.Sprintf(",%s:%d", apitest.QuoteJSON(t, name), i)
	}
	table := func(name string) string {
		return fmt.Sprintf(`CREATE TABLE %s (id int%s); INSERT INTO %[1]s VALUES (1%[3]s); `, name, columns, values)
	}
	db := schematest.New(t, schematest.Samples)
	db.Exec(t, table("hostile")+table(`"@"`)+table("r")+table("s")+table(`"answer"`))
	var topics []rules.Topic
	for i, from := range []string{"hostile", `"@"`, `"@" AS "@@"`, "r", "s", `"answer"`} {
		topics = append(topics, rules.Topic{Topic: fmt.Sprintf("hostile%d/{id:int}", i), Allow: "public", Snapshot: "SELECT * FROM " + from + " WHERE id = @id",
			Access: "SELECT id = @id AS allowed FROM " + from})
	}
	accounts, err := identity.New(t.Context(), dbconn.Over(db.Pool(t)), doortest.Open(t, door.Options{}), identity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := Compile(t.Context(), dbconn.Over(db.Pool(t)), accounts, topics)
	if err != nil {
		t.Fatal(err)
	}
	want = `[{"id":1` + want + "}]"
	for i := range topics {
		q := asking(topic.Topic(fmt.Sprintf("hostile%d/1", i)), "1")
		if got, err := stateOf(t, compiled, q); err != nil || got != want {
			t.Errorf("state of %s: got %s, %v, want %s", topics[i].Snapshot, got, err, want)
		}
		if grants, err := compiled.Ask(t.Context(), []notifier.Question{q}); err != nil || grants[0].Err != nil {
			t.Errorf("access of %s: got %+v, %v, want a grant", topics[i].Access, grants, err)
		}
	}
}

// debugLog returns a logger of all levels, and what it has written.
func debugLog(t *testing.T) (*slog.Logger, *bytes.Buffer) {
	t.Helper()
	var lines bytes.Buffer
	return slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug})), &lines
}

// A value that a statement cannot convert is a topic that does not exist, and fails nobody else's
// question. A statement that fails for another reason is internal.
func TestValuesThatCannotBeConverted(t *testing.T) {
	t.Parallel()
	sql := func(expression string) string { return "SELECT " + expression + " IS NOT NULL AS allowed" }
	compiled, _, err := openRules(t, []rules.Topic{
		{Topic: "day/{day}", Allow: "public", Access: sql("@day::date"), Snapshot: "SELECT @day::date AS day"},
		{Topic: "order/{id}", Allow: "public", Access: sql("@id::uuid")},
		{Topic: "small/{n:int}", Allow: "public", Access: sql("@n::int2")},
		{Topic: "numeric/{n}", Allow: "public", Access: sql("@n::numeric(3)")},
		{Topic: "json/{n}", Allow: "public", Access: sql("@n::json")},
		{Topic: "inet/{n}", Allow: "public", Access: sql("@n::inet")},
		{Topic: "words/{n}", Allow: "public", Access: sql("numnode(to_tsquery(replace(@n, 'zzz', 'two words')))")},
		{Topic: "table/{n}", Allow: "public", Access: sql("coalesce(@n::regclass::bigint, 1)")},
		{Topic: "type/{n}", Allow: "public", Access: sql("@n::regtype")},
		{Topic: "schema/{n}", Allow: "public", Access: sql("@n::regnamespace")},
		{Topic: "enum/{n}", Allow: "public", Access: sql("(1 / length(replace(@n, 'zzz', '')))")},
		{Topic: "uuid/{id:uuid}", Allow: "public", Access: sql("@id::uuid"), Snapshot: "SELECT @id AS id"},
		{Topic: "shown/{day}", Allow: "public", Snapshot: "SELECT @day::date AS day"},
		{Topic: "fails/{n}", Allow: "public", Access: "SELECT (SELECT true FROM generate_series(1, length(@n))) AS allowed"},
		{Topic: "always", Allow: "public", Access: sql("(SELECT left(version(), 1)::int)")},
	})
	if err != nil {
		t.Fatal(err)
	}
	log, lines := debugLog(t)
	compiled.Log = log
	good := []topic.Topic{"day/2026-01-02", "order/3f2504e0-4f89-41d3-9a0c-0305e82c3301", "small/7", "numeric/7", "json/7", "inet/::1", "enum/x",
		"uuid/3F2504E04F8941D39A0C0305E82C3301"}
	bad := []topic.Topic{"day/zzz", "day/2026-02-30", "day/999999999-01-01", "order/zzz", "small/40000", "small/9223372036854775808", "numeric/1000",
		"numeric/x", "json/x", "inet/x", "enum/zzz", "uuid/zzz", "words/zzz", "table/zzz", "table/a.b.c",
		"type/zzz", "type/(", "type/b'1", "type/int4(7)", "schema/zzz", "schema/a.b"}
	var questions []notifier.Question
	for i := range max(len(good), len(bad)) * 3 {
		questions = append(questions, asking(good[i%len(good)], "1"), asking(bad[i%len(bad)], "1"))
	}
	grants, err := compiled.Ask(t.Context(), questions)
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range questions {
		want := []error{nil, problem.ErrNotFound}[i%2]
		if grants[i].Err != want {
			t.Errorf("access to %s: got %v, want %v", q.Topic, grants[i].Err, want)
		}
	}
	for _, name := range []topic.Topic{"day/zzz", "shown/zzz", "shown/2026-13-01", "uuid/zzz"} {
		if _, err := stateOf(t, compiled, asking(name, "1")); !errors.Is(err, problem.ErrNotFound) && !errors.Is(err, notifier.ErrNoSnapshot) {
			t.Errorf("state of %s: got %v, want ErrNotFound", name, err)
		}
	}
	if got, err := stateOf(t, compiled, asking("uuid/3F2504E04F8941D39A0C0305E82C3301", "1")); got != `[{"id":"3f2504e0-4f89-41d3-9a0c-0305e82c3301"}]` {
		t.Errorf("state of a UUID without hyphens: got %s, %v, want its one spelling", got, err)
	}
	for _, name := range []topic.Topic{"fails/ab", "always"} {
		if _, err := compiled.Ask(t.Context(), []notifier.Question{asking(name, "1")}); !errors.Is(err, problem.ErrStatement) {
			t.Errorf("access to %s: got %v, want ErrStatement", name, err)
		}
	}
	if got := lines.String(); !strings.Contains(got, "level=DEBUG") || strings.Contains(got, "level=ERROR") || strings.Contains(got, "level=WARN") {
		t.Errorf("logged %s, want lines of level debug alone", got)
	}
}

// The follower's own id has the type of the users' ids.
func TestMeIsTypedAsTheUsersIDs(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	const id = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
	db.Exec(t, `CREATE TABLE people (id uuid PRIMARY KEY, username text, password text, is_active bool, is_staff bool);
		INSERT INTO people VALUES ('`+id+`', 'ana', 'x', true, false)`)
	table, none := identity.UsersTable{Table: "people"}, identity.UsersTable{Table: "-"}
	tests := []struct {
		name    string
		options identity.Options
		user    string
		want    string // the type
	}{
		{"a column of uuid", identity.Options{Users: table}, id, "uuid"},
		{"no accounts", identity.Options{Users: none}, id, "text"},
		{"no accounts, text", identity.Options{Users: none, UserType: topic.KindText}, "ana", "text"},
		{"no accounts, uuid", identity.Options{Users: none, UserType: topic.KindUUID}, id, "uuid"},
		{"no accounts, int", identity.Options{Users: none, UserType: topic.KindInt}, "-7", "bigint"},
	}
	for _, tt := range tests {
		accounts, err := identity.New(t.Context(), dbconn.Over(db.Pool(t)), doortest.Open(t, door.Options{}), tt.options)
		if err != nil {
			t.Fatal(err)
		}
		compiled, err := Compile(t.Context(), dbconn.Over(db.Pool(t)), accounts, []rules.Topic{
			{Topic: "own", Allow: "authenticated", Access: "SELECT pg_typeof(@me)::text = '" + tt.want + "' AS allowed", Snapshot: "SELECT @me::text AS me"},
			{Topic: "user/{id:uuid}", Allow: "authenticated"},
		})
		if err != nil {
			t.Fatal(err)
		}
		grants, err := compiled.Ask(t.Context(), []notifier.Question{asking("own", tt.user), asking("own", tt.user), asking("own", "")})
		if err != nil || grants[0].Err != nil || grants[1].Err != nil || !errors.Is(grants[2].Err, problem.ErrUnauthorized) {
			t.Errorf("%s: got %+v, %v, want two grants, and ErrUnauthorized for nobody", tt.name, grants, err)
		}
		if got, err := stateOf(t, compiled, asking("own", tt.user)); got != `[{"me":"`+tt.user+`"}]` {
			t.Errorf("%s: state is %s, %v, want the id", tt.name, got, err)
		}
	}
}

// stateOf reads the state of a topic in a transaction of its own. A state that lacks rows ends in dots.
func stateOf(t *testing.T, compiled *Rules, q notifier.Question) (string, error) {
	t.Helper()
	tx, err := compiled.pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	if _, err := tx.Exec(t.Context(), "SET LOCAL TimeZone TO 'Asia/Kathmandu'"); err != nil {
		t.Fatal(err)
	}
	text, truncated, err := compiled.State(t.Context(), tx, q)
	if truncated {
		text = append(text, "..."...)
	}
	return strings.ReplaceAll(string(text), " \n ", ""), err
}

// wholeIDs are users whose ids are whole numbers. Nobody is looked up.
type wholeIDs struct{ Users }

func (wholeIDs) UserKind() topic.Kind { return topic.KindInt }

func (wholeIDs) AnyoneCanLogIn() bool { return true }

// noUsers is a database without users: nobody can log in.
type noUsers struct{ wholeIDs }

func (noUsers) AnyoneCanLogIn() bool { return false }

func (noUsers) Current(_ context.Context, followers []notifier.Follower) ([]identity.Standing, error) {
	return slices.Repeat([]identity.Standing{{Valid: true}}, len(followers)), nil
}
