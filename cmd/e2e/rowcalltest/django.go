package rowcalltest

import (
	"os/exec"
	"testing"
)

// DjangoPython returns a Python that has Django and a driver for PostgreSQL: a name for exec. Where there is none it skips the
// test.
func DjangoPython(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), name, "-c", "import django, psycopg2").Run() == nil {
			return name
		}
	}
	t.Skip("there is no Python with Django and psycopg2 here; Debian: apt-get install python3-django python3-psycopg2")
	return ""
}
