package notifier_test

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"rowcall/schema/schematest"
)

// startPooler starts a pgbouncer that gives each transaction any of a few connections, and returns the URL that
// leads through it. Where there is no pgbouncer the test is skipped.
func startPooler(t *testing.T, db *schematest.Database) string {
	t.Helper()
	program := findPooler()
	if program == "" {
		t.Skip("there is no pgbouncer here: scripts/faults pooler gets one, ROWCALL_PGBOUNCER names one")
	}
	to, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := to.User.Password()
	dir := t.TempDir()
	port := freePort(t)
	settings := fmt.Sprintf(`[databases]
%s = host=%s port=%s user=%s password=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
`, db.Name, to.Hostname(), to.Port(), to.User.Username(), password, port)
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(settings), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, poolerArguments(file)...)
	cmd.Stderr, cmd.Stdout = t.Output(), t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has nothing to lose
		_ = cmd.Wait()
	})
	to.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	eventually(t, "the pooler takes connections", func() bool {
		conn, err := net.Dial("tcp", to.Host)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return to.String()
}

// findPooler looks where scripts/faults puts one, too.
func findPooler() string {
	for _, name := range []string{os.Getenv("ROWCALL_PGBOUNCER"), "pgbouncer", "/usr/sbin/pgbouncer", "../.tmp/pgbouncer/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			absolute, _ := filepath.Abs(path)
			return absolute
		}
	}
	return ""
}

// poolerArguments have it run as somebody else when root runs the tests: it refuses root.
func poolerArguments(file string) []string {
	arguments := []string{"-q", file}
	if os.Geteuid() != 0 {
		return arguments
	}
	for _, name := range []string{"postgres", "nobody"} {
		if _, err := user.Lookup(name); err == nil {
			return append([]string{"-u", name}, arguments...)
		}
	}
	return arguments
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
