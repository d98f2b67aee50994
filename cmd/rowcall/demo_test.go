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
	"rowcall/schema/cluster"
)

// demoDir is a folder that the demo's PostgreSQL can reach whoever runs the test.
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
	pages = c.stdout.after(t, "pages", c.ended)
	try = c.stdout.after(t, "try", c.ended)
	c.stdout.after(t, "data", c.ended)
	return c, pages, try
}

// paste runs a line as a person would who pastes it into a shell.
func paste(t *testing.T, line string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "sh", "-c", line).CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v: %s", line, err, out)
	}
	return strings.TrimSpace(string(out))
}

// query is the line to try with another statement in it.
func query(t *testing.T, try, statement string) string {
	t.Helper()
	psql, _, found := strings.Cut(try, " -c ")
	if !found {
		t.Fatalf("the line to try has no -c: %s", try)
	}
	return paste(t, psql+` -X -A -t -w -c "`+statement+`"`)
}

func status(t *testing.T, address string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

// follow logs in with the account's name for a password and opens a socket.
func follow(t *testing.T, pages, account, path string) *websocket.Conn {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	credentials := strings.NewReader(`{"username":"` + account + `","password":"` + account + `"}`)
	response, err := client.Post(pages+"api/login", "application/json", credentials)
	if err != nil {
		t.Fatal(err)
	}
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
	if err := socket.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return socket
}

// demoTold is what pages are told of the demo.
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
		if got := status(t, pages+path); got != want {
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

// A demo whose PostgreSQL ends by itself ends too, and says so.
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

// A demo that is told to stop while it still starts leaves nothing running either.
func TestDemoStoppedWhileStarting(t *testing.T) {
	t.Parallel()
	dir := demoDir(t)
	demo := start(t, nil, "demo", "--addr", "127.0.0.1:0", "--data-dir", dir)
	eventually(t, func() bool { _, err := os.Stat(filepath.Join(dir, "lock")); return err == nil }, "it does not start")
	demo.end(t)
	if err := cluster.Remove(dir); err != nil {
		t.Errorf("its folder is still in use: %v", err)
	}
}

// process is a rowcall in a process of its own.
type process struct {
	cmd    *exec.Cmd
	stdout *output
	ended  chan error
}

func startProcess(t *testing.T, dir string, env ...string) *process {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), os.Args[0], "demo", "--addr", "127.0.0.1:0", "--data-dir", dir)
	cmd.Env = append(append(os.Environ(), "ROWCALL_TEST_PROCESS=1"), env...)
	ownGroup(cmd)
	p := &process{cmd, newOutput(), make(chan error, 1)}
	cmd.Stdout, cmd.Stderr = p.stdout, testLog{t}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		eventually(t, func() bool { return cluster.Remove(dir) == nil }, "its folder is still in use")
	})
	return p
}

// However a demo is ended, the next one finds the data, and nothing of the first runs on.
func TestDemoIsEnded(t *testing.T) {
	t.Parallel()
	for _, way := range waysToEnd() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			dir := demoDir(t)
			p := startProcess(t, dir)
			paste(t, p.stdout.after(t, "try", p.ended))
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

// Who asks twice does not wait for goodbyes, and PostgreSQL is stopped all the same.
func TestDemoIsHurried(t *testing.T) {
	t.Parallel()
	dir := demoDir(t)
	p := startProcess(t, dir, "ROWCALL_HTTP_SHUTDOWN=5m")
	pages := p.stdout.after(t, "pages", p.ended)
	p.stdout.after(t, "data", p.ended)
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
	eventually(t, func() bool { return refused(pages) }, "it still accepts connections")
	interrupt(t, p.cmd.Process.Pid)
	if err := <-p.ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	held.Close()
	<-asked
	http.DefaultClient.CloseIdleConnections()
	assertGone(t, dir)
}

func refused(pages string) bool {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	response, err := client.Get(pages + "healthz")
	if err == nil {
		response.Body.Close()
	}
	return err != nil
}

// assertGone sees that no PostgreSQL runs on a demo's folder, by taking it.
func assertGone(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "cluster", "postmaster.pid")); err == nil {
		t.Error("PostgreSQL still runs")
	}
}

// serverPID is the process of a demo's PostgreSQL.
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

func eventually(t *testing.T, done func() bool, complaint string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal(complaint)
		}
	}
}
