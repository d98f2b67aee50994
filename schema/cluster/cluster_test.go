package cluster

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"rowcall/testdeadline"
)

// TestMain turns the test binary into a run of a cluster when a test asks for one that it can kill.
func TestMain(m *testing.M) {
	if dir := os.Getenv("CLUSTER_TEST_DIR"); dir != "" {
		runUntilKilled(dir)
	}
	goleak.VerifyTestMain(m)
}

// runUntilKilled prints the cluster's URL when it is running, and then lives until a signal ends it.
// A process whose parent ignores a signal ignores it too: SIGHUP after nohup, SIGINT in the background of a
// script. So both are caught here.
func runUntilKilled(dir string) {
	ctx := context.Background()
	ending := make(chan os.Signal, 1)
	signal.Notify(ending, syscall.SIGHUP, syscall.SIGINT)
	c, err := Start(ctx, testOptions(ctx, dir))
	if err != nil {
		println("cannot start:", err.Error())
		os.Exit(1)
	}
	println(c.URL("postgres"))
	<-ending
	os.Exit(1)
}

func testOptions(ctx context.Context, dir string) Options {
	bin, err := Find(ctx)
	if err != nil {
		panic(err)
	}
	return Options{Dir: dir, Binaries: bin, Settings: map[string]string{"fsync": "off"}, Logger: slog.New(slog.DiscardHandler)}
}

// testDir is a folder that the server's user can reach; t.TempDir's parents may be private.
func testDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rowcall-cluster-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// started is a running cluster that is stopped when the test ends.
func started(t *testing.T, o Options) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopNow(t, c) })
	return c
}

func stopNow(t *testing.T, c *Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testdeadline.Hang())
	defer cancel()
	if err := c.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func exec1(t *testing.T, url, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	text, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(text, ",")
}

func TestStopAndStartFindsTheData(t *testing.T) {
	t.Parallel()
	o := testOptions(t.Context(), testDir(t))
	writeFile(t, filepath.Join(o.Dir, "port"), "15432\n") // no port that an outgoing connection takes in between
	c := started(t, o)
	exec1(t, c.URL("postgres"), "CREATE TABLE kept AS SELECT 'here' AS word")
	stopNow(t, c)
	again := started(t, o)
	if again.Port() != c.Port() {
		t.Errorf("the port changed from %d to %d", c.Port(), again.Port())
	}
	if got := exec1(t, again.URL("postgres"), "SELECT word FROM kept"); got != "here" {
		t.Errorf("found %q", got)
	}
	stopNow(t, again)
	o.Fresh = true
	if got := exec1(t, started(t, o).URL("postgres"), "SELECT 'gone' WHERE to_regclass('kept') IS NULL"); got != "gone" {
		t.Error("fresh data has the old table")
	}
}

func TestPsqlCommandAsksNothing(t *testing.T) {
	t.Parallel()
	short := started(t, testOptions(t.Context(), testDir(t)))
	long := started(t, testOptions(t.Context(), filepath.Join(testDir(t), strings.Repeat("long name/", 10))))
	for _, c := range []*Cluster{short, long} {
		command := c.Psql("postgres")
		if command == "" {
			t.Skip("no psql here")
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command+" -X -A -t -w -c 'SELECT 6 * 7'")
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != "42\n" {
			t.Errorf("%s: %v: %s", command, err, out)
		}
	}
}

func TestStopEndsAClientsTransaction(t *testing.T) {
	t.Parallel()
	c := started(t, testOptions(t.Context(), testDir(t)))
	conn, err := pgx.Connect(t.Context(), c.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "BEGIN; CREATE TABLE held (n int)"); err != nil {
		t.Fatal(err)
	}
	stopNow(t, c)
	select {
	case <-c.Done():
	default:
		t.Error("Stop returned before the server had ended")
	}
}

// When there is no time for a clean end there is still an end.
func TestStopWithoutTime(t *testing.T) {
	t.Parallel()
	o := testOptions(t.Context(), testDir(t))
	c := started(t, o)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Stop(over); err != nil || !c.process.ended() {
		t.Errorf("err %v, ended %v", err, c.process.ended())
	}
	started(t, o)
}

func TestStartThatIsCancelled(t *testing.T) {
	t.Parallel()
	o := testOptions(t.Context(), testDir(t))
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if c, err := Start(over, o); err == nil {
		stopNow(t, c)
		t.Fatal("a cancelled start succeeded")
	}
	started(t, o)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	running := testOptions(t.Context(), testDir(t))
	started(t, running)

	portTaken := testOptions(t.Context(), testDir(t))
	portTaken.Port = busy.Addr().(*net.TCPAddr).Port

	foreign := testOptions(t.Context(), testDir(t))
	foreign.Fresh = true
	writeFile(t, filepath.Join(foreign.Dir, "cluster", "precious"), "")

	otherVersion := testOptions(t.Context(), testDir(t))
	writeFile(t, filepath.Join(otherVersion.Dir, "cluster", "PG_VERSION"), "9\n")
	writeFile(t, filepath.Join(otherVersion.Dir, "password"), "x\n")

	badSetting := testOptions(t.Context(), testDir(t))
	badSetting.Settings = map[string]string{"no_such_setting": "1"}

	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"two at once", running, "is running on " + running.Dir + " already"},
		{"port taken", portTaken, "choose another port"},
		{"somebody's data", foreign, "was not made by Rowcall"},
		{"data of another version", otherVersion, "was made by PostgreSQL 9"},
		{"a wrong setting", badSetting, `unrecognized configuration parameter "no_such_setting"`},
	} {
		got, err := Start(t.Context(), c.o)
		if err == nil {
			stopNow(t, got)
			t.Errorf("%s: it started", c.name)
			continue
		}
		if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error is %q, want %q on one line", c.name, err, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(foreign.Dir, "cluster", "precious")); err != nil {
		t.Error("somebody's data was thrown away")
	}
}

func TestPrivateFolderAsRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root runs a server as somebody else")
	}
	t.Parallel()
	private := testDir(t)
	if err := os.Chmod(private, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), testOptions(t.Context(), filepath.Join(private, "inside")))
	if err == nil || !strings.Contains(err.Error(), "cannot reach "+private) ||
		strings.Contains(err.Error(), "ROWCALL_PG_BIN") {
		t.Errorf("the error is %v", err)
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
