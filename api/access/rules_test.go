package access

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

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
	"rowcall/testdeadline"
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

// Names of columns that meet those of the statement around it are among them.
func TestStateWithALimit(t *testing.T) {
	t.Parallel()
	const rows = `SELECT n AS r, n AS up_to_one_more, timestamptz '2021-06-01 10:00Z' AS count FROM generate_series(1, @rows) AS n ORDER BY n DESC`
	topics := []rules.Topic{
		{Topic: "two/{rows:int}", Allow: "public", Snapshot: rows, SnapshotLimit: 2},
		{Topic: "all/{rows:int}", Allow: "public", Snapshot: rows},
	}
	compiled, _, err := openRules(t, topics)
	if err != nil {
		t.Fatal(err)
	}
	row := func(n int) string {
		return fmt.Sprintf(`{"r":%d,"up_to_one_more":%[1]d,"count":"2021-06-01T10:00:00Z"}`, n)
	}
	for name, want := range map[topic.Topic]string{
		"two/0": "[]",
		"two/2": "[" + row(2) + "," + row(1) + "]",
		"two/3": "[" + row(3) + "," + row(2) + "]...",
		"two/9": "[" + row(9) + "," + row(8) + "]...",
		"all/3": "[" + row(3) + "," + row(2) + "," + row(1) + "]",
	} {
		if got, err := stateOf(t, compiled, asking(name, "")); got != want || err != nil {
			t.Errorf("state of %s: got %s, %v, want %s", name, got, err, want)
		}
	}
}

// TestStateNeedsOneConnection reads a state while every connection of the pool is in use: the lookup of
// the follower must not wait for another connection than that of the state, because all transactions
// that read states may hold one and wait for a second one.
func TestStateNeedsOneConnection(t *testing.T) {
	t.Parallel()
	compiled, _, err := openRules(t, apitest.SeedTopics())
	if err != nil {
		t.Fatal(err)
	}
	for range compiled.pool.Size() - 1 {
		tx, err := compiled.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback(context.WithoutCancel(t.Context()))
	}
	got := make(chan error, 1)
	go func() {
		_, err := stateOf(t, compiled, asking("room/1", "1"))
		got <- err
	}()
	select {
	case err := <-got:
		if err != nil {
			t.Errorf("the state of room/1: %v", err)
		}
	case <-time.After(testdeadline.Hang()):
		t.Fatal("the state of room/1 waits for a second connection")
	}
}

// hostileColumns are names that meet names of our own, or need quotes.
func hostileColumns() []string {
	return []string{"r", "s", "t", "o", "@", "@@", "#", "answer", "asked", "v", "me", "staff", "allowed", `a"b`, "Upper Case", "hostile", "?column?",
		"select", "r.*", strings.Repeat("n", 63), strings.Repeat("ü", 31)}
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
