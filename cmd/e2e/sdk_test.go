package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/testdeadline"
)

// clientFolder is the folder of the npm package.
const clientFolder = "../../client"

// installClient installs the build tools of the npm package where they are missing.
func installClient(t *testing.T, ctx context.Context) {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("this test uses the npm package of client/, and there is no %s here", program)
		}
	}
	if _, err := os.Stat(filepath.Join(clientFolder, "node_modules", "ws", "package.json")); err == nil {
		return
	}
	runInClient(t, ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
}

// buildClient builds the npm package, and installs its build tools where they are missing.
func buildClient(t *testing.T, ctx context.Context) {
	t.Helper()
	installClient(t, ctx)
	runInClient(t, ctx, "node", "build.mjs")
}

// runInClient runs a command in the folder of the npm package.
func runInClient(t *testing.T, ctx context.Context, command ...string) {
	t.Helper()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = clientFolder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
}

// cutter is a TCP proxy that cuts each connection after some bytes from the server: within a
// handshake, between frames, or within a frame.
type cutter struct {
	net.Listener
	to    string
	flows sync.WaitGroup
}

// openCutter starts a cutter that runs until the test ends. It lets some connections live for long.
func openCutter(t *testing.T, to string) *cutter {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: listener, to: to}
	c.flows.Go(c.accept)
	t.Cleanup(func() {
		listener.Close()
		c.flows.Wait()
	})
	return c
}

func (c *cutter) accept() {
	for {
		page, err := c.Accept()
		if err != nil {
			return
		}
		most := rand.Int64N(9_000)
		if rand.IntN(6) == 0 {
			most *= 50
		}
		c.flows.Go(func() { c.carry(page, most) })
	}
}

// carry forwards at most this many bytes from the server.
func (c *cutter) carry(page net.Conn, most int64) {
	defer page.Close()
	server, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	c.flows.Go(func() {
		_, _ = io.Copy(server, page)
		server.Close()
	})
	_, _ = io.CopyN(page, server, most)
	server.Close()
}

// greet writes greetings until the program prints that all its followers have received one.
func greet(t *testing.T, s *rowcalltest.Server, lines *bufio.Scanner) {
	t.Helper()
	first := make(chan string, 1)
	go func() {
		lines.Scan()
		first <- lines.Text()
	}()
	said := ""
	rowcalltest.Eventually(t, func() bool {
		s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'hello')`)
		select {
		case said = <-first:
			return true
		default:
			return false
		}
	}, "the client package never prints that it is ready")
	if said != "ready" {
		t.Fatalf("the client package printed %q, want ready", said)
	}
}

// TestClientPackageThroughCuts has the npm package receive a thousand events once and in order
// while its connections are cut all the time: from now, from cursors, with snapshots, and in a slow
// loop.
func TestClientPackageThroughCuts(t *testing.T) {
	t.Parallel()
	limit := testdeadline.Scale(150 * time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), 2*limit)
	defer cancel()
	buildClient(t, ctx)
	s := rowcalltest.StartServer(t, nil)
	alice := s.Login(t, "alice")
	s.Psql(t, `DELETE FROM chat_messages`)
	proxy := openCutter(t, strings.TrimSuffix(strings.TrimPrefix(s.Pages, "http://"), "/"))

	const events = 1000
	node := exec.CommandContext(ctx, "node", "test/real/thousand.mjs", "http://"+proxy.Addr().String(), alice.Cookie, fmt.Sprint(events), fmt.Sprint(int(limit.Seconds())))
	node.Dir = clientFolder
	node.Stderr = rowcalltest.LogTo(t)
	said, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	greet(t, s, lines)
	writeMessages(t, s, events)
	exact := 0
	for lines.Scan() {
		t.Log(lines.Text())
		if strings.HasSuffix(lines.Text(), "each once, in order") {
			exact++
		}
	}
	if err := node.Wait(); err != nil || exact != 6 {
		t.Errorf("%d of 6 followers heard each event once and in order (%v)", exact, err)
	}
}

// writeMessages commits messages that contain their numbers: most in a transaction each, some
// together.
func writeMessages(t *testing.T, s *rowcalltest.Server, count int) {
	t.Helper()
	writer := s.Conn(t)
	for n := 0; n < count; {
		together := min(count-n, 1+n%7*(n%3))
		_, err := writer.Exec(t.Context(), `INSERT INTO chat_messages (room_id, sender_id, message)
			SELECT 1, 1, n FROM generate_series($1::int, $1::int + $2::int - 1) n`, n, together)
		if err != nil {
			t.Fatal(err)
		}
		n += together
	}
}
