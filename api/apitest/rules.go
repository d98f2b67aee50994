package apitest

import (
	"errors"
	"strings"
	"testing"

	"rowcall/config/rules"
)

// SeedTopics returns rules for the topics of the example applications, with access SQL for the
// samples of schematest.
func SeedTopics() []rules.Topic {
	return []rules.Topic{
		{Topic: "room/{room_id:int}", Allow: "authenticated",
			Access: `
				SELECT r.owner_id = @me AS owner,
				       r.owner_id = @me OR EXISTS (SELECT FROM chat_room_members m
				         WHERE m.room_id = r.id AND m.user_id = @me) AS allowed
				FROM chat_rooms r WHERE r.id = @room_id -- owners and members`,
			Snapshot: `SELECT id, sender_id, posted, message FROM chat_messages WHERE room_id = @room_id ORDER BY id DESC;`},
		{Topic: "user/{user_id:int}", Allow: "authenticated", Access: `SELECT @user_id = @me AS allowed`},
		{Topic: "jobs/{user_id:int}", Allow: "authenticated", Access: `SELECT @user_id = @me OR @staff AS allowed`},
		{Topic: "dams", Allow: "public"},
		{Topic: "dams/{dam_id:int}", Allow: "public", Access: `SELECT true AS allowed FROM dams WHERE id = @dam_id`},
		{Topic: "audit/{table}", Access: `SELECT @table = 'dams' AS allowed, @me IS NULL AS nobody`},
		{Topic: "ward"},
	}
}

// ExpectProblems fails the test unless err is a rules.Problems in which each problem begins with the
// text at its place in want.
func ExpectProblems(t testing.TB, err error, want []string) {
	t.Helper()
	wrong, ok := errors.AsType[rules.Problems](err)
	if !ok {
		t.Fatalf("the rules are taken: got %v, want problems", err)
	}
	for i := range max(len(wrong), len(want)) {
		switch {
		case i >= len(wrong):
			t.Errorf("problem %d: got none, want %s", i, want[i])
		case i >= len(want):
			t.Errorf("problem %d: got %s, want none", i, wrong[i])
		case !strings.HasPrefix(wrong[i].String(), want[i]):
			t.Errorf("problem %d: got %s, want %s", i, wrong[i], want[i])
		}
	}
}
