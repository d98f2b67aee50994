package access

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/config/rules"
	"rowcall/notifier/dbconn"
	"rowcall/schema/schematest"
)

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
		`topics[7].access: names the parameter @nobody, which does not exist; the parameters here are @me, @staff, @claims, @id`,
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
		`topics[0].access: column u.usrname does not exist; hint: Perhaps you meant to reference the column "u.username"; line 2, character 10 of the SQL: u.usrname = '' AS allowed FROM users u -...`,
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
			_, _, err := compiled.State(t.Context(), tx, asking("tasks", ""))
			return err
		})
		if f := problem.FaultOf(fmt.Errorf("%w: %w", problem.ErrUnavailable, err)); f != c.want {
			t.Errorf("after %s: got %+v, %v, want %+v", c.change, f, err, c.want)
		}
	}
}
