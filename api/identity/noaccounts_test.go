package identity

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/dbconn"
	"rowcall/notifier/topic"
	"rowcall/schema/schematest"
)

// Without accounts, the identity of a token holds until the token expires.
func TestStandingsWithoutAccounts(t *testing.T) {
	t.Parallel()
	pool := schematest.New(t, schematest.CoreOnly).Pool(t)
	o := Options{Users: UsersTable{Table: "-"}}
	accounts, err := New(t.Context(), dbconn.Over(pool), doortest.Open(t, door.Options{}), o)
	if err != nil {
		t.Fatal(err)
	}
	got, err := accounts.Current(t.Context(), []notifier.Follower{
		{}, {User: "anna"}, {User: "boss", Staff: true}, {User: "anna", Session: borrowed, Staff: true}, {User: "anna", Session: "00ff", Staff: true}, {User: "a\x00b"},
	})
	want := []Standing{{Valid: true}, {Valid: true}, {Valid: true, Staff: true}, {Valid: true}, {}, {}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v %v, want %v", got, err, want)
	}
	o.Django.SecretKey = strings.Repeat("k", 50)
	if _, err := New(t.Context(), dbconn.Over(pool), doortest.Open(t, door.Options{}), o); err == nil || !strings.Contains(err.Error(), "auth.users.table") {
		t.Errorf("with a Django site: %v", err)
	}
}

// Without accounts, auth.user_type says which subjects are users, and how each is spelled.
func TestUserTypes(t *testing.T) {
	t.Parallel()
	const id = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
	tests := []struct {
		kind          topic.Kind
		subject, want string // empty: refused
	}{
		{"", "007", "007"},
		{topic.KindText, "007", "007"},
		{topic.KindInt, "007", "7"},
		{topic.KindInt, "ana", ""},
		{topic.KindInt, "9223372036854775808", ""},
		{topic.KindUUID, "3F2504E04F8941D39A0C0305E82C3301", id},
		{topic.KindUUID, id, id},
		{topic.KindUUID, "7", ""},
	}
	for _, tt := range tests {
		u, err := openUsers(t.Context(), nil, UsersTable{Table: "-"}, tt.kind)
		if err != nil {
			t.Fatal(err)
		}
		got, err := u.byID(t.Context(), tt.subject)
		refused := errors.Is(err, problem.ErrUnauthorized)
		if refused != (tt.want == "") || !refused && got.ID != tt.want {
			t.Errorf("%q as %q: got %+v, %v, want %q", tt.subject, tt.kind, got, err, tt.want)
		}
	}
}
