package config

import (
	"strings"
	"testing"
)

// TestResourcesLeaveRowcallsOwnAddresses names resources like what stands behind /api/ already.
func TestResourcesLeaveRowcallsOwnAddresses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"login", "logout", "me", "session", "console", "functions", "resources"} {
		var p Problems
		checkResources([]Resource{{Name: name, Table: "dams"}}, &p)
		if text := p.Error(); !strings.Contains(text, "Rowcall's own") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
