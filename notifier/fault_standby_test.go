package notifier_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rowcall/notifier"
	"rowcall/schema/cluster"
	"rowcall/schema/schematest"
)

// TestAStandbyIsRefusedUntilItIsThePrimary starts a node on a standby: it says so and does not poll. When the primary
// is gone and the standby takes its place the node works, and cursors of before are of no use.
func TestAStandbyIsRefusedUntilItIsThePrimary(t *testing.T) {
	t.Parallel()
	primary := schematest.Private(t, schematest.CoreOnly)
	url := startStandby(t, primary)
	first := startNode(t, primary.URL, openRules{}, notifier.Options{})
	r := follow(t, first, notifier.Request{}, "room")
	count(t, primary, "room/1", 1, 5)
	r.data(5)
	held := r.sub.Cursor()

	second := launchNode(t, poolConfig(t, url).ConnConfig, poolConfig(t, url), openRules{}, notifier.Options{})
	eventually(t, "the node says that this is a standby", func() bool {
		err := second.Health().Err
		return err != nil && strings.Contains(err.Error(), "standby")
	})
	if closed(second.Ready()) || !second.Health().PolledAt.IsZero() {
		t.Error("the node has polled a standby")
	}
	standby := &schematest.Database{URL: url, Name: primary.Name}
	eventually(t, "the standby has what the primary has", func() bool { return countOf(t, standby, `SELECT count(*) FROM rowcall.log`) == 5 })
	if _, err := standby.Conn(t).Exec(t.Context(), `SELECT rowcall.cursor()`); err == nil {
		t.Error("a standby gave a cursor away")
	}
	primary.Kill(t)
	standby.Exec(t, `SELECT pg_promote()`)
	second.await(t)
	if again := follow(t, second, notifier.Request{Since: held}, "room"); again.start.Reason != notifier.ResetEpoch {
		t.Errorf("a cursor of the old primary was answered %+v", again.start)
	}
	r = follow(t, second, notifier.Request{}, "room")
	count(t, standby, "room/1", 6, 10)
	r.data(5)
}

// TestANodeFollowsAPromotion has a node that knows both servers. When the standby, which has all that the primary has,
// takes the primary's place, open subscriptions are told that another history has begun, and go on with its events.
func TestANodeFollowsAPromotion(t *testing.T) {
	t.Parallel()
	primary := schematest.Private(t, schematest.CoreOnly)
	standby := &schematest.Database{URL: startStandby(t, primary), Name: primary.Name}
	both := bothServers(t, primary.URL, standby.URL)
	n := launchNode(t, poolConfig(t, both).ConnConfig, poolConfig(t, both), openRules{}, notifier.Options{})
	n.await(t)
	r := follow(t, n, notifier.Request{}, "room")
	count(t, primary, "room/1", 1, 5)
	r.data(5)
	eventually(t, "the standby has what the primary has", func() bool { return countOf(t, standby, `SELECT count(*) FROM rowcall.log`) == 5 })
	primary.Kill(t)
	standby.Exec(t, `SELECT pg_promote()`)
	if _, reset, err := r.take(time.After(patience)); err != nil || reset == nil || reset.Reason != notifier.ResetEpoch {
		t.Fatalf("the open subscription got %+v, %v, want a reset for another epoch", reset, err)
	}
	count(t, standby, "room/1", 6, 10)
	r.data(5)
}

// bothServers is the address of a database on whichever of two servers is the primary.
func bothServers(t *testing.T, one, other string) string {
	t.Helper()
	first, err1 := url.Parse(one)
	second, err2 := url.Parse(other)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	query := first.Query()
	query.Set("target_session_attrs", "read-write")
	first.Host, first.RawQuery = first.Host+","+second.Host, query.Encode()
	return first.String()
}

// startStandby starts a standby of a private server and returns the URL of the test's database there.
func startStandby(t *testing.T, primary *schematest.Database) string {
	t.Helper()
	bin, err := cluster.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(bin.Dir, "pg_basebackup")
	if _, err := os.Stat(backup); err != nil {
		t.Skip("there is no pg_basebackup beside this PostgreSQL to make a standby with")
	}
	dir, err := os.MkdirTemp("", "rowcall-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	data := filepath.Join(dir, "cluster")
	if out, err := exec.CommandContext(t.Context(), backup, "-d", primary.URL, "-D", data, "-c", "fast").CombinedOutput(); err != nil {
		t.Fatalf("pg_basebackup: %v\n%s", err, out)
	}
	adoptData(t, filepath.Dir(primary.Cluster.Data()), dir)
	c, err := cluster.Start(t.Context(), cluster.Options{Dir: dir, Binaries: bin, Logger: slog.New(slog.DiscardHandler), Settings: map[string]string{
		"fsync": "off", "max_connections": schematest.MaxConnections, "max_prepared_transactions": "20", "shared_buffers": "64MB",
		"primary_conninfo": primary.URL,
	}})
	if err != nil {
		t.Fatalf("start the standby: %v", err)
	}
	t.Cleanup(func() {
		if err := c.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return c.URL(primary.Name)
}

// adoptData makes a copied data folder look like one that was made in its place, as a standby's.
func adoptData(t *testing.T, from, to string) {
	t.Helper()
	secret, err := os.ReadFile(filepath.Join(from, "password"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"password": string(secret), "cluster/standby.signal": ""} {
		if err := os.WriteFile(filepath.Join(to, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(to, 0o711); err != nil {
		t.Fatal(err)
	}
	owner, err := os.Stat(filepath.Join(from, "cluster"))
	if err != nil {
		t.Fatal(err)
	}
	stat := owner.Sys().(*syscall.Stat_t)
	err = filepath.WalkDir(to, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || path == to {
			return err
		}
		return os.Chown(path, int(stat.Uid), int(stat.Gid))
	})
	if err != nil {
		t.Fatal(err)
	}
}
