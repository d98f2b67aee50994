package identity

import (
	"slices"
	"strings"
	"testing"

	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// Where there are no accounts, whoever came with a token is who it says for as long as it lasts.
func TestStandingsWithoutAccounts(t *testing.T) {
	t.Parallel()
	pool := schematest.New(t, schematest.CoreOnly).Pool(t)
	o := Options{Users: UsersTable{Table: "-"}}
	accounts, err := New(t.Context(), pool, doortest.Open(t, door.Options{}), o)
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
	if _, err := New(t.Context(), pool, doortest.Open(t, door.Options{}), o); err == nil || !strings.Contains(err.Error(), "auth.users.table") {
		t.Errorf("with a Django site: %v", err)
	}
}
