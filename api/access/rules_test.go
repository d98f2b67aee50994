package access

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

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

// openRules compiles rules on a database with the samples: alice (1) owns room 1, bob (2) is a
// member of it, dave (4) is not, admin (5) is staff.
func openRules(t *testing.T, topics []rules.Topic) (*Rules, *schematest.Statements, error) {
	t.Helper()
	db := schematest.New(t, schematest.Samples)
	config, err := pgxpool.ParseConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	sent := &schematest.Statements{}
	config.ConnConfig.Tracer = sent
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	accounts, err := identity.New(t.Context(), dbconn.Over(pool), doortest.Open(t, door.Options{}), identity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := Compile(t.Context(), dbconn.Over(pool), accounts, topics)
	return compiled, sent, err
}

func asking(topic topic.Topic, user string) notifier.Question {
	return notifier.Question{Topic: topic, Follower: notifier.Follower{User: user, Staff: user == "5"}}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	several := rules.Topic{Topic: "several/{n:int}", Allow: "authenticated",
		Access: `SELECT i > 1 AS allowed, i = 3 AS third FROM generate_series(1, @n) i`}
	compiled, sent, err := openRules(t, append(apitest.SeedTopics(), several))
	if err != nil {
		t.Fatal(err)
	}
	yes := func(roles ...string) notifier.Grant { return notifier.Grant{Roles: roles} }
	no := func(err error) notifier.Grant { return notifier.Grant{Err: err} }
	tests := []struct {
		topic topic.Topic
		user  string
		want  notifier.Grant
	}{
		{"room/1", "1", yes("owner")},
		{"room/1", "2", yes()},
		{"room/1", "4", no(problem.ErrForbidden)},
		{"room/1", "", no(problem.ErrUnauthorized)},
		{"room/2", "2", yes("owner")},
		{"room/99", "1", no(problem.ErrNotFound)},
		{"room/99", "", no(problem.ErrUnauthorized)},
		{"room/0", "1", no(problem.ErrNotFound)},
		{"room/9223372036854775807", "1", no(problem.ErrNotFound)},
		{"room/9223372036854775808", "1", no(problem.ErrNotFound)},
		{"room/9223372036854775808", "", no(problem.ErrUnauthorized)},
		{"room/x", "1", no(problem.ErrNotFound)},
		{"nowhere", "1", no(problem.ErrNotFound)},
		{"nowhere", "", no(problem.ErrUnauthorized)},
		{"user/4", "4", yes()},
		{"user/4", "1", no(problem.ErrForbidden)},
		{"jobs/1", "5", yes()},
		{"jobs/1", "2", no(problem.ErrForbidden)},
		{"dams", "", yes()},
		{"dams/1", "", yes()},
		{"dams/999", "", no(problem.ErrNotFound)},
		{"audit/dams", "5", yes()},
		{"audit/users", "5", no(problem.ErrForbidden)},
		{"audit/dams", "1", no(problem.ErrForbidden)},
		{"ward", "5", yes()},
		{"ward", "1", no(problem.ErrForbidden)},
		{"several/1", "1", no(problem.ErrForbidden)},
		{"several/2", "1", yes()},
		{"several/3", "1", yes("third")},
		{"room/1", "77", no(problem.ErrUnauthorized)}, // there is no such user any more
		{"dams", "77", no(problem.ErrUnauthorized)},
	}
	var questions []notifier.Question
	for _, tt := range tests {
		questions = append(questions, asking(tt.topic, tt.user))
	}
	before := sent.Count.Load()
	grants, err := compiled.Ask(t.Context(), questions)
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range tests {
		if !reflect.DeepEqual(grants[i], tt.want) {
			t.Errorf("user %q asks for %s: got %+v, want %+v", tt.user, tt.topic, grants[i], tt.want)
		}
	}
	if n := sent.Count.Load() - before; n != 7 { // identities, and six patterns with SQL
		t.Errorf("statements for %d questions: got %d, want 7", len(questions), n)
	}
}

// TestAskReadsColumnsByTheirNames makes a view of access rights anew, with its columns in another
// order. Connections that have not asked yet must not take one column for the other.
func TestAskReadsColumnsByTheirNames(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	db.Exec(t, `CREATE VIEW rights AS SELECT false AS allowed, true AS owner`)
	compile := func() *Rules {
		pool := dbconn.Over(db.Pool(t))
		accounts, err := identity.New(t.Context(), pool, doortest.Open(t, door.Options{}), identity.Options{})
		if err != nil {
			t.Fatal(err)
		}
		compiled, err := Compile(t.Context(), pool, accounts, []rules.Topic{{Topic: "things", Allow: "authenticated", Access: `SELECT * FROM rights`}})
		if err != nil {
			t.Fatal(err)
		}
		return compiled
	}
	compiled := compile()
	db.Exec(t, `DROP VIEW rights; CREATE VIEW rights AS SELECT true AS owner, false AS allowed`)
	grants, err := compiled.Ask(t.Context(), []notifier.Question{asking("things", "1")})
	if err != nil {
		t.Fatal(err)
	}
	if got := grants[0]; !errors.Is(got.Err, problem.ErrForbidden) || len(got.Roles) > 0 {
		t.Errorf("got %+v, want no access", got)
	}
}

func TestAskLooksNothingUpForTheAnonymous(t *testing.T) {
	t.Parallel()
	compiled, sent, err := openRules(t, apitest.SeedTopics())
	if err != nil {
		t.Fatal(err)
	}
	before := sent.Count.Load()
	grants, err := compiled.Ask(t.Context(), []notifier.Question{asking("room/1", ""), asking("room/99", ""), asking("nowhere", ""), asking("ward", "")})
	if err != nil {
		t.Fatal(err)
	}
	for i, grant := range grants {
		if !errors.Is(grant.Err, problem.ErrUnauthorized) {
			t.Errorf("question %d: got %+v, want ErrUnauthorized", i, grant)
		}
	}
	if n := sent.Count.Load() - before; n > 0 {
		t.Errorf("statements for anonymous followers: got %d, want 0", n)
	}
}

func TestAskWithoutDatabase(t *testing.T) {
	t.Parallel()
	compiled, _, err := openRules(t, apitest.SeedTopics())
	if err != nil {
		t.Fatal(err)
	}
	compiled.pool.Close()
	if _, err := compiled.Ask(t.Context(), []notifier.Question{asking("room/1", "1")}); !errors.Is(err, problem.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if _, err := compiled.Ask(t.Context(), []notifier.Question{asking("dams", "")}); err != nil {
		t.Errorf("a public topic without SQL: got %v, want no error", err)
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	compiled, _, err := openRules(t, append(apitest.SeedTopics(), rules.Topic{Topic: "clock", Allow: "public", Snapshot: `
		SELECT timestamptz '2021-06-01 12:00+02' AS whole, timestamptz '2021-06-01 10:00:00.5Z' AS "a ""fraction",
		       'infinity'::timestamptz AS never, NULL::timestamptz AS nothing,
		       date '2021-06-01' AS day, 1.50::numeric AS number, '{"a" : [1, 2]}'::json AS nested, @me AS me, @staff AS staff`}))
	if err != nil {
		t.Fatal(err)
	}
	state := func(q notifier.Question) (string, error) { return stateOf(t, compiled, q) }
	got, err := state(asking("clock", ""))
	want := `[{"whole":"2021-06-01T10:00:00Z","a \"fraction":"2021-06-01T10:00:00.500000Z","never":"infinity","nothing":null,` +
		`"day":"2021-06-01","number":1.50,"nested":{"a" : [1, 2]},"me":null,"staff":false}]`
	if err != nil || got != want {
		t.Errorf("state of clock:\ngot  %s, %v\nwant %s", got, err, want)
	}
	got, err = state(asking("room/1", "1"))
	if err != nil || !strings.HasPrefix(got, `[{"id":2,"sender_id":2,"posted":"20`) || !strings.Contains(got, `Z","message":"Reading it on the train, it is great."},{"id":1,`) {
		t.Errorf("state of room/1: got %s, %v, want its messages, newest first", got, err)
	}
	if got, err = state(asking("room/99", "1")); got != "[]" || err != nil {
		t.Errorf("state of room/99: got %s, %v, want []", got, err)
	}
	for _, topic := range []topic.Topic{"dams", "nowhere"} {
		if _, err := state(asking(topic, "1")); !errors.Is(err, notifier.ErrNoSnapshot) {
			t.Errorf("state of %s: got %v, want ErrNoSnapshot", topic, err)
		}
	}
}

// hostileColumns are names that meet names of our own, or need quotes.
func hostileColumns() []string {
	return []string{"r", "s", "t", "o", "@", "@@", "#", "answer", "asked", "v", "me", "staff", "allowed", `a"b`, "Upper Case", "hostile", "?column?",
		"select", "r.*", strings.Repeat("n", 63), strings.Repeat("ü", 31)}
}

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
		"numeric/x", "json/x", "inet/x", "enum/zzz", "uuid/zzz"}
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

// stateOf reads the state of a topic in a transaction of its own.
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
	text, err := compiled.State(t.Context(), tx, q)
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

// Where nobody can log in, nobody is told to: an unknown topic does not exist.
func TestUnknownTopicsWithoutUsers(t *testing.T) {
	t.Parallel()
	topics := []rules.Topic{{Topic: "dams", Allow: rules.AllowPublic}, {Topic: "ward", Allow: rules.AllowAuthenticated}}
	compiled, err := Compile(t.Context(), nil, noUsers{}, topics)
	if err != nil {
		t.Fatal(err)
	}
	grants, err := compiled.Ask(t.Context(), []notifier.Question{{Topic: "dams"}, {Topic: "nothing"}, {Topic: "ward"}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, problem.ErrNotFound, problem.ErrUnauthorized} {
		if !errors.Is(grants[i].Err, want) || want == nil && grants[i].Err != nil {
			t.Errorf("question %d: got %v, want %v", i, grants[i].Err, want)
		}
	}
}

// compileWithoutSQL compiles rules whose topics are public.
func compileWithoutSQL(t *testing.T, topics ...rules.Topic) *Rules {
	t.Helper()
	for i := range topics {
		topics[i].Allow = rules.AllowPublic
	}
	compiled, err := Compile(t.Context(), nil, wholeIDs{}, topics)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func TestLatestField(t *testing.T) {
	t.Parallel()
	compiled := compileWithoutSQL(t, rules.Topic{Topic: "room/{room_id:int}", Slow: "latest", Key: "id"}, rules.Topic{Topic: "dams"})
	for name, want := range map[topic.Topic]string{"room/5": "id", "dams": "", "nothing/5": ""} {
		if got := compiled.LatestField(name); got != want {
			t.Errorf("latest field of %s: got %q, want %q", name, got, want)
		}
	}
}

func TestUserPattern(t *testing.T) {
	t.Parallel()
	compiled := compileWithoutSQL(t, rules.Topic{Topic: "jobs/{user_id:int}"}, rules.Topic{Topic: "all/everybody"})
	for text, want := range map[string]bool{"jobs/{me}": true, "all/everybody": true, "nowhere/{me}": false, "all/{me}": false} {
		p, err := topic.ParsePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, listed := compiled.UserPattern(p); listed != want {
			t.Errorf("%s, where user ids are whole numbers, is listed: got %v, want %v", text, listed, want)
		}
	}
}

func TestSpell(t *testing.T) {
	t.Parallel()
	compiled := compileWithoutSQL(t, rules.Topic{Topic: "room/{room_id:int}"}, rules.Topic{Topic: "dams"})
	for name, want := range map[topic.Topic]topic.Topic{
		"room/007": "room/7", "room/7": "room/7", "room/x": "room/x", "nowhere/007": "nowhere/007", "dams": "dams",
	} {
		if got := compiled.Spell(name); got != want {
			t.Errorf("spelling of %s: got %s, want %s", name, got, want)
		}
	}
}

func TestCompileTellsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, _, err := openRules(t, []rules.Topic{
		{Topic: "room/{room_id:int}", Access: `SELECT true AS allowed`},
		{Topic: "room/{name}", Access: `SELECT nonsense`},
		{Topic: "a/{id}", Allow: "everybody", Access: `SELECT x AS allowed FROM users`, Snapshot: `SELECT 1 FROM nowhere`},
		{Topic: "b/{id}", Access: `SELECT 1 AS allowed`},
		{Topic: "c/{id}", Access: `SELECT true AS owner`},
		{Topic: "d/{id}", Access: `SELECT username = @id AS allowed, username FROM users`},
		{Topic: "e/{id}", Access: `SELECT id = @id AS allowed FROM users`},
		{Topic: "f/{id}", Access: `SELECT @nobody AS allowed`, Snapshot: `SELECT 1; SELECT 2`},
		{Topic: "g/{me}"},
		{Topic: "h//{x}"},
		{Topic: "i", Snapshot: `SELECT 1 AS a, 2 AS a`},
		{Topic: "j", Access: `DELETE FROM users RETURNING true AS allowed`},
		{Topic: "l", Access: `SELECT true AS allowed, false AS allowed`},
		{Topic: "m", Snapshot: `SELECT 1, 2`},
		{Topic: "k", Access: `SELECT true AS allowed) AS x, (SELECT 1`},
	})
	apitest.ExpectProblems(t, err, []string{
		`topics[1].topic: "room/{name}" and "room/{room_id:int}" of topics[0] could be the same topic`,
		`topics[2].allow: "everybody" is not one of`,
		`topics[7].access: names the parameter @nobody, which does not exist; the parameters here are @me, @staff, @id`,
		`topics[7].snapshot: is more than one statement`,
		`topics[8].topic: "g/{me}": @me is the follower's own`,
		`topics[9].topic: "h//{x}"`,
		`topics[2].access: column "x" does not exist`,
		`topics[2].snapshot: relation "nowhere" does not exist`,
		`topics[3].access: column "allowed" is not a boolean`,
		`topics[4].access: it has no column allowed`,
		`topics[5].access: column "username" is not a boolean`,
		`topics[6].access: operator does not exist: bigint = text`,
		`topics[10].snapshot: it has two columns called "a"`,
		`topics[11].access: syntax error`,
		`topics[12].access: it has two columns called "allowed"`,
		`topics[13].snapshot: it has two columns called "?column?"`,
		`topics[14].access: `,
	})
}

// An error about configured SQL keeps PostgreSQL's hint, and says where in the SQL it lies.
func TestCompileTellsHintAndPlace(t *testing.T) {
	t.Parallel()
	_, _, err := openRules(t, []rules.Topic{
		{Topic: "a/{id:int}", Access: "\n  SELECT 'é' = @id::text AND @me > 0\n     AND u.usrname = '' AS allowed FROM users u -- all\n"},
		{Topic: "b", Snapshot: "SELECT id, r.nothing FROM chat_rooms r"},
		{Topic: "c", Snapshot: "SELECT 1 WHERE (SELECT 2"},
	})
	apitest.ExpectProblems(t, err, []string{
		`topics[0].access: column u.usrname does not exist; hint: Perhaps you meant to reference the column "u.username".; line 2, character 10 of the SQL: u.usrname = '' AS allowed FROM users u -...`,
		`topics[1].snapshot: column r.nothing does not exist; line 1, character 12 of the SQL: r.nothing FROM chat_rooms r`,
		`topics[2].snapshot: syntax error at `,
	})
}

// Compile refuses a statement over a table that the serving role may not read, so that the operator
// learns of it at start. A statement that fails later is an internal error, which is logged, unless the
// catalog has changed and the statement does not fit any more.
func TestCompileAsksForRights(t *testing.T) {
	t.Parallel()
	db := schematest.New(t)
	db.Exec(t, `CREATE TABLE tasks (id int, title text)`)
	pool := db.ServerPool(t)
	accounts, err := identity.New(t.Context(), dbconn.Over(pool), doortest.Open(t, door.Options{}), identity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	topics := []rules.Topic{{Topic: "tasks", Allow: "public", Snapshot: `SELECT id, title FROM tasks`, Access: `SELECT count(*) > 0 AS allowed FROM tasks`}}
	_, err = Compile(t.Context(), dbconn.Over(pool), accounts, topics)
	for _, want := range []string{"topics[0].access: permission denied for table tasks; grant it to ", "topics[0].snapshot: permission denied for table tasks; grant it to "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want a problem with %s", err, want)
		}
	}
	db.Exec(t, `GRANT SELECT ON tasks TO rowcall_server`)
	compiled, err := Compile(t.Context(), dbconn.Over(pool), accounts, topics)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change string
		want   problem.Fault
	}{
		{`REVOKE SELECT ON tasks FROM rowcall_server`, problem.FaultOf(problem.ErrStatement)},
		{`GRANT SELECT ON tasks TO rowcall_server; ALTER TABLE tasks DROP COLUMN title`, problem.FaultOf(problem.ErrUnfit)},
	} {
		db.Exec(t, c.change)
		err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			_, err := compiled.State(t.Context(), tx, asking("tasks", ""))
			return err
		})
		if f := problem.FaultOf(fmt.Errorf("%w: %w", problem.ErrUnavailable, err)); f != c.want {
			t.Errorf("after %s: got %+v, %v, want %+v", c.change, f, err, c.want)
		}
	}
}

// An id may be 0. No row has an id out of the range of bigint.
func TestArgument(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]any{"0": int64(0), "7": int64(7), "9223372036854775807": int64(math.MaxInt64)} {
		if got, ok := argument(topic.KindInt, value); !ok || got != want {
			t.Errorf("%s: got %v, %v, want %v", value, got, ok, want)
		}
	}
	if got, ok := argument(topic.KindInt, "9223372036854775808"); ok {
		t.Errorf("9223372036854775808: got %v, want no argument", got)
	}
}

// A topic can be followed if a rule is for it or for one above it, and it has its one spelling.
func TestCanFollow(t *testing.T) {
	t.Parallel()
	topics := []rules.Topic{{Topic: "room/{room_id:int}", Allow: rules.AllowPublic}, {Topic: "dams", Allow: rules.AllowPublic}, {Topic: "doc/{id:uuid}", Allow: rules.AllowPublic}}
	compiled, err := Compile(t.Context(), nil, wholeIDs{}, topics, "_own")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[topic.Topic]bool{
		"room/7": true, "dams": true, "dams/3": true, "room/7/files/1": true, "doc/3f2504e0-4f89-41d3-9a0c-0305e82c3301": true, "_own": true,
		"room/007": false, "room": false, "rooms/7": false, "room/x": false, "room/99999999999999999999": false, "": false, "/": false,
		"slugs/ABC/1 ü": false, "doc/3F2504E0-4F89-41D3-9A0C-0305E82C3301": false,
	} {
		if got := compiled.CanFollow(name); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}
