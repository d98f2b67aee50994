package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/api"
	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/cluster"
	"rowcall/testdeadline"
)

// demoDir returns a folder that the demo's PostgreSQL can read, whichever user runs the test.
func demoDir(t *testing.T) string {
	t.Helper()
	parent, err := os.MkdirTemp("", "rowcall-demo-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(parent, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(parent) })
	return filepath.Join(parent, "demo")
}

// startDemo starts a demo on a free port and waits until it serves.
func startDemo(t *testing.T, dir string, more ...string) (c *command, pages, try string) {
	t.Helper()
	c = start(t, nil, append([]string{"demo", "--addr", "127.0.0.1:0", "--data-dir", dir}, more...)...)
	pages = c.stdout.After(t, "pages", c.ended)
	try = c.stdout.After(t, "try", c.ended)
	c.stdout.After(t, "data", c.ended)
	return c, pages, try
}

// paste runs a line in a shell.
func paste(t *testing.T, line string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testdeadline.Hang())
	defer cancel()
	out, err := exec.CommandContext(ctx, "sh", "-c", line).CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v: %s", line, err, out)
	}
	return strings.TrimSpace(string(out))
}

// query runs another statement with the command of the line to try.
func query(t *testing.T, try, statement string) string {
	t.Helper()
	psql, _, found := strings.Cut(try, " -c ")
	if !found {
		t.Fatalf("the line to try has no -c: %s", try)
	}
	return paste(t, psql+` -X -A -t -w -c "`+statement+`"`)
}

// follow logs an account in, whose password is its name, and opens a socket.
func follow(t *testing.T, pages, account, path string) *websocket.Conn {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var response *http.Response
	rowcalltest.Eventually(t, func() bool { // the server gives up an answer after 30 s: a slow machine tries again
		credentials := strings.NewReader(`{"username":"` + account + `","password":"` + account + `"}`)
		var err error
		response, err = client.Post(pages+"api/login", "application/json", credentials)
		return err == nil
	}, account+" gets no answer to a login")
	response.Body.Close()
	header := http.Header{}
	for _, cookie := range response.Cookies() {
		header.Add("Cookie", cookie.String())
	}
	socket, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(pages, "http")+path, header)
	if err != nil {
		t.Fatalf("%s logs in (%s) and opens %s: %v", account, response.Status, path, err)
	}
	t.Cleanup(func() { socket.Close() })
	if err := socket.SetReadDeadline(time.Now().Add(testdeadline.Hang())); err != nil {
		t.Fatal(err)
	}
	return socket
}

// demoTold returns what the pages are told about the demo.
func demoTold(t *testing.T, pages string) api.Demo {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(pages + "api/session")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var told api.Site
	if err := json.NewDecoder(response.Body).Decode(&told); err != nil || told.Demo == nil || len(told.Demo.Accounts) == 0 {
		t.Fatalf("pages are told %+v of a demo, %v", told, err)
	}
	return *told.Demo
}

const countMessages = "SELECT count(*) FROM chat_messages WHERE message = 'Hello from psql'"

func TestDemo(t *testing.T) {
	t.Parallel()
	dir := demoDir(t)
	demo, pages, try := startDemo(t, dir)
	for path, want := range map[string]int{"": http.StatusOK, "healthz": http.StatusOK, "readyz": http.StatusOK} {
		if got := rowcalltest.Status(t, pages+path); got != want {
			t.Errorf("%s%s answers %d, want %d", pages, path, got, want)
		}
	}
	told := demoTold(t, pages)
	if psql, _, _ := strings.Cut(try, " -c "); told.Psql != psql {
		t.Errorf("pages are told to open the database with %q, the terminal with %q", told.Psql, psql)
	}
	for _, account := range told.Accounts {
		follow(t, pages, account, "ws/job-status/") // for those who are logged in
	}
	room := follow(t, pages, "bob", "ws/room/1")
	if got := paste(t, try); got != "INSERT 0 1" {
		t.Errorf("the line to try says %q", got)
	}
	if _, frame, err := room.ReadMessage(); err != nil || !strings.Contains(string(frame), `"message":"Hello from psql"`) {
		t.Errorf("the room's socket got %s, %v", frame, err)
	}
	if got := query(t, try, "SELECT DISTINCT usename FROM pg_stat_activity WHERE client_addr IS NOT NULL"); got != demoRole {
		t.Errorf("the node is connected as %q, want %q only", got, demoRole)
	}
	if said := fails(t, nil, "demo", "--addr", "127.0.0.1:0", "--data-dir", dir); !strings.Contains(said, "already") {
		t.Errorf("a second demo on the same data says %q", said)
	}
	demo.end(t)
	assertGone(t, dir)

	again, _, try := startDemo(t, dir)
	if got := query(t, try, countMessages); got != "1" {
		t.Errorf("after a restart there are %s messages, want the one", got)
	}
	again.end(t)

	fresh, _, try := startDemo(t, dir, "--fresh")
	if got := query(t, try, countMessages); got != "0" {
		t.Errorf("fresh data has %s old messages", got)
	}
	fresh.end(t)
	assertGone(t, dir)
}

// TestDemoWhosePostgreSQLEnds checks that a demo ends with a message when its PostgreSQL ends.
func TestDemoWhosePostgreSQLEnds(t *testing.T) {
	t.Parallel()
	dir := demoDir(t)
	demo, _, _ := startDemo(t, dir)
	server, err := os.FindProcess(serverPID(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-demo.ended; err == nil || !strings.Contains(err.Error(), errServerGone.Error()) {
		t.Errorf("it ends with %v", err)
	}
}

// TestDemoStoppedWhileStarting checks that a demo that is stopped while it starts leaves nothing
// running.
func TestDemoStoppedWhileStarting(t *testing.T) {
	t.Parallel()
	dir := demoDir(t)
	demo := start(t, nil, "demo", "--addr", "127.0.0.1:0", "--data-dir", dir)
	rowcalltest.Eventually(t, func() bool { _, err := os.Stat(filepath.Join(dir, "lock")); return err == nil }, "it does not start")
	demo.end(t)
	if err := cluster.Remove(dir); err != nil {
		t.Errorf("its folder is still in use: %v", err)
	}
}

// process is a rowcall in a process of its own.
type process struct {
	cmd    *exec.Cmd
	stdout *rowcalltest.Output
	ended  chan error
}

func startProcess(t *testing.T, dir string, env ...string) *process {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), os.Args[0], "demo", "--addr", "127.0.0.1:0", "--data-dir", dir)
	cmd.Env = append(append(os.Environ(), "ROWCALL_TEST_PROCESS=1"), env...)
	ownGroup(cmd)
	p := &process{cmd, rowcalltest.NewOutput(), make(chan error, 1)}
	cmd.Stdout, cmd.Stderr = p.stdout, rowcalltest.LogTo(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		rowcalltest.Eventually(t, func() bool { return cluster.Remove(dir) == nil }, "its folder is still in use")
	})
	return p
}

// TestDemoIsEnded ends a demo in several ways: the next demo finds the data, and no process of the
// first is left.
func TestDemoIsEnded(t *testing.T) {
	t.Parallel()
	for _, way := range waysToEnd() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			dir := demoDir(t)
			p := startProcess(t, dir)
			paste(t, p.stdout.After(t, "try", p.ended))
			way.end(t, p.cmd.Process.Pid)
			if err := <-p.ended; (err == nil) != way.orderly {
				t.Errorf("it ended with %v", err)
			}
			demo, _, try := startDemo(t, dir)
			if got := query(t, try, countMessages); got != "1" {
				t.Errorf("the next demo finds %s messages", got)
			}
			demo.end(t)
			assertGone(t, dir)
		})
	}
}

// TestDemoIsHurried interrupts a demo twice: it does not wait for its sockets, and still stops
// PostgreSQL.
func TestDemoIsHurried(t *testing.T) {
	t.Parallel()
	dir := demoDir(t)
	p := startProcess(t, dir, "ROWCALL_HTTP_SHUTDOWN=5m")
	pages := p.stdout.After(t, "pages", p.ended)
	p.stdout.After(t, "data", p.ended)
	body, held := io.Pipe() // a request that is under way for as long as this is open
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, pages+"api/login", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
		}
	}()
	if _, err := bufio.NewWriterSize(held, 1).WriteString("{\""); err != nil {
		t.Fatal(err)
	}
	interrupt(t, p.cmd.Process.Pid)
	rowcalltest.Eventually(t, func() bool { return rowcalltest.RefusesConnections(pages) }, "it still accepts connections")
	interrupt(t, p.cmd.Process.Pid)
	if err := <-p.ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	held.Close()
	<-asked
	http.DefaultClient.CloseIdleConnections()
	assertGone(t, dir)
}

// assertGone checks that no PostgreSQL runs in a demo's folder.
func assertGone(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "cluster", "postmaster.pid")); err == nil {
		t.Error("PostgreSQL still runs")
	}
}

// serverPID returns the process id of a demo's PostgreSQL.
func serverPID(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "cluster", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// TestDemoTellsOperators checks that the greeting names an address of the loopback that serves
// metrics.
func TestDemoTellsOperators(t *testing.T) {
	t.Parallel()
	demo, _, _ := startDemo(t, demoDir(t))
	metrics := demo.stdout.After(t, "metrics", demo.ended)
	if got := rowcalltest.Status(t, metrics); got != http.StatusOK || !strings.HasPrefix(metrics, "http://127.0.0.1:") {
		t.Errorf("%s answers %d", metrics, got)
	}
	demo.end(t)
}
