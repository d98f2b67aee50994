package api

import (
	"strings"
	"testing"
)

// TestTablesAreForStaff checks that the list of declared tables is for staff.
func TestTablesAreForStaff(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	alice, admin := tn.login(t, "alice"), tn.login(t, "admin")
	for cookie, want := range map[string]int{"": 401, alice: 403, admin: 200} {
		status, text := meet(t, "GET", tn.site()+"/api/tables", "Cookie", cookie)
		if status != want || want == 200 && text != `{"tables":[]}`+"\n" || want != 200 && !strings.Contains(text, `"code":`) {
			t.Errorf("%d %s, want %d", status, text, want)
		}
	}
}
