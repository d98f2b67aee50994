package api

import (
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/api/door"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// stalledSocket is a native socket whose client has stopped reading.
type stalledSocket struct {
	*socketClient
	topic  string
	cursor string // after what it has read
	heard  int    // number of the last event it has read
}

// stall opens a socket that follows a topic and reads nothing more. Its receive buffer is small.
func (tn *liveServer) stall(t *testing.T, topic string) *stalledSocket {
	t.Helper()
	dialer := websocket.Dialer{NetDial: func(network, addr string) (net.Conn, error) {
		raw, err := net.Dial(network, addr)
		if err == nil {
			err = raw.(*net.TCPConn).SetReadBuffer(32 << 10)
		}
		return raw, err
	}}
	ws, _, err := dialer.Dial("ws://"+tn.addr+"/v1/ws", http.Header{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	s := &stalledSocket{socketClient: &socketClient{ws, t}, topic: topic}
	s.hear()
	s.cursor = s.subscribe(topic, "")
	return s
}

// next reads an event; it reports false if the socket has been closed. Each event must come once,
// in order.
func (s *stalledSocket) next() bool {
	s.t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(patience))
	_, text, err := s.ReadMessage()
	if err != nil {
		if code := closeCode(err); code != 4429 && code != websocket.CloseAbnormalClosure {
			s.t.Errorf("%s closed with %v", s.topic, err)
		}
		return false
	}
	frame := string(text)
	var n int
	_, number, _ := strings.Cut(frame, `"data":{"n":`)
	if _, err := fmt.Sscanf(number, "%d", &n); err != nil || n != s.heard+1 {
		s.t.Fatalf("after event %d of %s came %.80s", s.heard, s.topic, frame)
	}
	s.heard = n
	if cursor := cursorOf(frame); cursor != "" {
		s.cursor = cursor
	}
	return true
}

// TestStalledSocketsStayUnderTheNodesBound has sockets stall while more is queued for them than the
// node may hold. The memory stays bounded, a client that reads receives everything at once, and all
// that reconnect with their cursor have lost nothing and receive nothing twice. It does not run in
// parallel, because it measures the memory of the process.
func TestStalledSocketsStayUnderTheNodesBound(t *testing.T) {
	const (
		sockets = 40
		rounds  = 60
		body    = 16 << 10
		bound   = 8 << 20
		tail    = 1 << 20
		slack   = 10 << 20 // what two hundred kilobytes a connection come to, and the test's own
	)
	db := schematest.New(t, schematest.Samples)
	tn := openLimitedLiveServer(t, db, rules.JWT{}, door.Options{Exempt: loopbackProxies()}, notifier.Options{QueuedBytes: bound, TailBytes: tail})
	db.Exec(t, `INSERT INTO dams (name, latitude, longitude) SELECT 'dam', 0, 0 FROM generate_series(1, $1)`, sockets)
	good := tn.native(t, "alice")
	good.subscribe("user/1", "")
	stalled := make([]*stalledSocket, sockets)
	for i := range stalled {
		stalled[i] = tn.stall(t, fmt.Sprintf("dams/%d", i+1))
	}
	before := heapInUse()
	for round := 1; round <= rounds; round++ {
		db.Exec(t, `SELECT rowcall.publish('dams/' || i, 'test', json_build_object('n', $1::int, 'text', repeat('x', $2))) FROM generate_series(1, $3::int) AS i`, round, body, sockets)
		db.Exec(t, `SELECT rowcall.publish('user/1', 'test', to_json($1::int))`, round)
		good.hears(fmt.Sprintf(`"data":%d,`, round))
	}
	if grown := heapInUse() - before; grown > bound+tail+slack {
		t.Errorf("%d stalled sockets take %d KiB, of %d KiB sent", sockets, grown>>10, sockets*rounds*body>>10)
	}
	ended := tn.feed.Stats().Slow
	if ended == 0 || ended == sockets {
		t.Errorf("%d of %d were ended", ended, sockets)
	}
	closed := 0
	for _, s := range stalled {
		for s.heard < rounds {
			if !s.next() {
				closed++
				s.socketClient = tn.native(t, "")
				s.subscribe(s.topic, `,"since":"`+s.cursor+`"`)
			}
		}
	}
	if closed < int(ended) {
		t.Errorf("%d were ended, %d were closed", ended, closed)
	}
	t.Logf("%d of %d ended", ended, sockets)
}

func heapInUse() int {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}
