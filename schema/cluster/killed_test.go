//go:build linux

package cluster

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// However the process that runs a cluster is ended, the server ends too and leaves clean data.
func TestServerDoesNotOutliveItsProcess(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			dir := testDir(t)
			child, url := runChild(t, dir)
			exec1(t, url, "CREATE TABLE kept AS SELECT 'here' AS word")
			server := serverOf(t, dir)
			if err := child.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			_ = child.Wait() // it was killed
			eventually(t, func() bool { return commandLine(server) == "" }, "the server still runs")
			c := started(t, testOptions(t.Context(), dir))
			if got := exec1(t, c.URL("postgres"), "SELECT word FROM kept"); got != "here" {
				t.Errorf("found %q", got)
			}
			if log, _ := os.ReadFile(c.folder.log()); strings.Contains(string(log), "was interrupted") {
				t.Errorf("the data was not left clean:\n%s", log)
			}
		})
	}
}

// A Ctrl-C goes to the whole foreground process group; the server must not hear of it that way.
func TestServerIsInASessionOfItsOwn(t *testing.T) {
	t.Parallel()
	dir := testDir(t)
	runChild(t, dir)
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(serverOf(t, dir)) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat)[strings.LastIndex(string(stat), ")")+1:])
	if group := fields[2]; group != strconv.Itoa(serverOf(t, dir)) {
		t.Errorf("the server %d is in process group %s", serverOf(t, dir), group)
	}
}

// Start does not wait for luck: a server that a killed process left running is stopped first.
func TestStartStopsALeftover(t *testing.T) {
	t.Parallel()
	dir := testDir(t)
	o := testOptions(t.Context(), dir)
	c := started(t, o)
	stopNow(t, c)
	cmd := c.folder.command(c.bin.tool("postgres"), c.arguments(o.Settings)...)
	cmd.SysProcAttr.Pdeathsig = 0
	leftover, err := spawn(cmd)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { file, ok := c.folder.readPIDFile(); return ok && file.status == "ready" }, "no server")
	started(t, o)
	if !leftover.ended() {
		leftover.kill()
		t.Error("the leftover still runs beside the new server")
	}
}

// A pid file may outlive its server, and its number may long belong to another process.
func TestStartIgnoresAStalePIDFile(t *testing.T) {
	t.Parallel()
	dir := testDir(t)
	o := testOptions(t.Context(), dir)
	c := started(t, o)
	path := c.Data() + "/postmaster.pid"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c.Kill()
	stranger := c.folder.command("sleep", "60") // the same user's, which is what misleads PostgreSQL
	sleeping, err := spawn(stranger)
	if err != nil {
		t.Fatal(err)
	}
	defer sleeping.kill()
	_, rest, _ := strings.Cut(string(text), "\n")
	stale := strconv.Itoa(stranger.Process.Pid) + "\n" + rest
	if err := os.WriteFile(path, []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	started(t, o)
	if sleeping.ended() {
		t.Error("a process that has nothing to do with us was stopped")
	}
}

func TestStartAfterKill(t *testing.T) {
	t.Parallel()
	o := testOptions(t.Context(), testDir(t))
	c := started(t, o)
	exec1(t, c.URL("postgres"), "CREATE TABLE kept AS SELECT 'here' AS word")
	c.Kill()
	if got := exec1(t, started(t, o).URL("postgres"), "SELECT word FROM kept"); got != "here" {
		t.Errorf("found %q", got)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	o := testOptions(t.Context(), testDir(t))
	c := started(t, o)
	if err := Remove(o.Dir); err == nil {
		t.Error("a running cluster was removed")
	}
	stopNow(t, c)
	if err := Remove(o.Dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(o.Dir); err == nil {
		t.Error("the folder is still there")
	}
}

// A server has nothing to do with root, whoever starts it.
func TestServerIsUnprivileged(t *testing.T) {
	t.Parallel()
	c := started(t, testOptions(t.Context(), testDir(t)))
	info, err := os.Stat("/proc/" + strconv.Itoa(c.process.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if info.Sys().(*syscall.Stat_t).Uid == 0 {
		t.Error("the server runs as root")
	}
}

// runChild runs a cluster in a process of its own and returns when it is up.
func runChild(t *testing.T, dir string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), os.Args[0])
	cmd.Env = append(os.Environ(), "CLUSTER_TEST_DIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		eventually(t, func() bool { return Remove(dir) == nil }, "the folder is still in use")
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "postgres://") {
		t.Fatalf("the child says %q, %v", line, err)
	}
	return cmd, strings.TrimSpace(line)
}

func serverOf(t *testing.T, dir string) int {
	t.Helper()
	file, ok := folder{dir: dir}.readPIDFile()
	if !ok {
		t.Fatal("no server")
	}
	return file.pid
}

func eventually(t *testing.T, done func() bool, complaint string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal(complaint)
		}
	}
}
