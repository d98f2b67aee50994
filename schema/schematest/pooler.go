package schematest

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rowcall/testdeadline"
)

// Pooler says how a pgbouncer works.
type Pooler struct {
	Mode     string   // transaction, session or statement
	Settings []string // more lines of the section [pgbouncer]
	Prepares bool     // it keeps named statements for its clients, which pgbouncer does since version 1.21
}

// StartPooler starts a pgbouncer in front of the database of a URL, and returns the URL that leads
// through it. The pooler connects as the user of the given URL. The test is skipped where there is no
// pgbouncer: scripts/setup gets one, and ROWCALL_PGBOUNCER names one.
func StartPooler(t testing.TB, to string, o Pooler) string {
	t.Helper()
	program := findPooler()
	if program == "" {
		t.Skip("there is no pgbouncer here: scripts/faults pooler gets one, ROWCALL_PGBOUNCER names one")
	}
	if o.Prepares {
		requirePrepares(t, program)
		o.Settings = append(slices.Clone(o.Settings), "max_prepared_statements = 100")
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	file := filepath.Join(t.TempDir(), "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(o.file(u, port)), 0o644); err != nil {
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
	u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	awaitPooler(t, u.Host)
	return u.String()
}

// file is the pooler's configuration. It accepts any user and password.
func (o Pooler) file(to *url.URL, port int) string {
	password, _ := to.User.Password()
	return fmt.Sprintf(`[databases]
%s = host=%s port=%s user=%s password=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = %s
default_pool_size = 4
max_client_conn = 200
%s
`, strings.TrimPrefix(to.Path, "/"), to.Hostname(), to.Port(), to.User.Username(), password, port, o.Mode, strings.Join(o.Settings, "\n"))
}

// requirePrepares skips the test where pgbouncer is too old to keep named statements.
func requirePrepares(t testing.TB, program string) {
	t.Helper()
	out, err := exec.Command(program, "--version").Output()
	if err != nil {
		t.Fatalf("pgbouncer --version: %v", err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(string(out), "PgBouncer %d.%d", &major, &minor); err != nil {
		t.Fatalf("pgbouncer --version says %q: %v", out, err)
	}
	if major == 1 && minor < 21 {
		t.Skipf("pgbouncer %d.%d keeps no named statements", major, minor)
	}
}

func awaitPooler(t testing.TB, address string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(testdeadline.Hang()); ; <-tick.C {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("pgbouncer takes no connections: %v", err)
		}
	}
}

// findPooler looks in the usual places, and where scripts/faults puts a pgbouncer.
func findPooler() string {
	places := []string{os.Getenv("ROWCALL_PGBOUNCER"), "pgbouncer", "/usr/sbin/pgbouncer"}
	if folder, err := os.Getwd(); err == nil {
		for ; folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
			places = append(places, filepath.Join(folder, ".tmp", "pgbouncer", "pgbouncer"))
		}
	}
	for _, name := range places {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// poolerArguments have pgbouncer run as another user when root runs the tests: it refuses root.
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

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
