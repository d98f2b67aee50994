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

	"rowcall/testdeadline"
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

// TestStartIgnoresAStalePIDFile kills a server and gives its process id to another process of the same user, as a
// restart of the machine can. PostgreSQL takes that process for the server that has the data folder, and for the
// server that has the Unix socket.
func TestStartIgnoresAStalePIDFile(t *testing.T) {
	t.Parallel()
	o := testOptions(t.Context(), testDir(t))
	c := started(t, o)
	c.Kill()
	stranger := c.folder.command("sleep", "infinity")
	sleeping, err := spawn(stranger)
	if err != nil {
		t.Fatal(err)
	}
	defer sleeping.kill()
	locks := c.folder.lockFiles()
	if len(locks) != 2 {
		t.Fatalf("the lock files are %q, want those of a socket and of the data folder", locks)
	}
	for _, path := range locks {
		setPID(t, path, stranger.Process.Pid)
	}
	started(t, o)
	if sleeping.ended() {
		t.Error("a process that has nothing to do with us was stopped")
	}
}

// setPID replaces the process id in a lock file.
func setPID(t *testing.T, path string, pid int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n")
	if err := os.WriteFile(path, []byte(strconv.Itoa(pid)+"\n"+rest), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAStartedProcessKeepsNoLock releases a lock while a process that was started meanwhile still has the open
// file, as each process has it between fork and exec.
func TestAStartedProcessKeepsNoLock(t *testing.T) {
	t.Parallel()
	f, err := openFolder(testDir(t))
	if err != nil {
		t.Fatal(err)
	}
	held, err := f.acquire()
	if err != nil {
		t.Fatal(err)
	}
	inherits := exec.Command("sleep", "infinity")
	inherits.ExtraFiles = []*os.File{held.file}
	process, err := spawn(inherits)
	if err != nil {
		t.Fatal(err)
	}
	defer process.kill()
	held.release()
	again, err := f.acquire()
	if err != nil {
		t.Fatalf("the lock is not released: %v", err)
	}
	again.release()
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
	for deadline := time.Now().Add(testdeadline.Hang()); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal(complaint)
		}
	}
}
