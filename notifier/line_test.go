package notifier_test

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
)

// line is a TCP line between a node and PostgreSQL that can be spoiled in many ways.
type line struct {
	t      testing.TB
	listen string
	to     string
	proxy  *toxiproxy.Proxy

	mu     sync.Mutex    // guards all below
	born   int           // directions of connections so far
	silent string        // whose bytes are lost
	before int           // of those born before this one; 0: nobody's
	heal   chan struct{} // closed when they no longer are
}

// newLine makes a line to where a URL leads, and returns it with the URL that leads through it.
func newLine(t testing.TB, to string) (*line, string) {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	registerToxics()
	l := &line{t: t, listen: "127.0.0.1:0", to: u.Host}
	l.up()
	t.Cleanup(func() {
		l.restore()
		l.down()
	})
	u.Host = l.listen
	return l, u.String()
}

// registerToxics adds what the library lacks to the kinds it knows.
var registerToxics = sync.OnceFunc(func() {
	zerolog.SetGlobalLevel(zerolog.Disabled)
	toxics.Register("silence", new(silence))
	toxics.Register("brake", new(brake))
})

// down ends all connections and refuses new ones.
func (l *line) down() { l.proxy.Stop() }

// up takes connections again, by a new proxy that does them no harm: the library is slow to take harm away.
func (l *line) up() {
	l.t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	l.proxy = toxiproxy.NewProxy(server, "line", l.listen, l.to)
	for _, stream := range []string{"upstream", "downstream"} {
		l.add("silence", stream, "").(*silence).line = l
	}
	if err := l.proxy.Start(); err != nil {
		l.t.Fatalf("open the line: %v", err)
	}
	l.listen = l.proxy.Listen
}

// add has the proxy do something to all that goes through it.
func (l *line) add(kind, stream, attributes string) toxics.Toxic {
	l.t.Helper()
	wrapper, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(
		fmt.Sprintf(`{"type": %q, "stream": %q, "attributes": {%s}}`, kind, stream, attributes)))
	if err != nil {
		l.t.Fatalf("%s: %v", kind, err)
	}
	return wrapper.Toxic
}

// brakeAfter lets so many bytes of each connection come from the server, and from then on so few that no batch of a
// test comes to its end, and enough that the node does not take the connection for dead. release lets all come.
func (l *line) brakeAfter(bytes int) (release func()) {
	b := l.add("brake", "downstream", fmt.Sprintf(`"bytes": %d`, bytes)).(*brake)
	return func() { b.released.Store(true) }
}

// breakAfter ends every connection when the server has sent so many bytes over it.
func (l *line) breakAfter(bytes int) {
	l.add("limit_data", "downstream", fmt.Sprintf(`"bytes": %d`, bytes))
}

// silence loses every byte of the connections that the application has at present, both ways, until restore.
// Neither side is told; new connections are not touched. "" means all applications.
func (l *line) silence(application string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silent, l.before, l.heal = application, l.born, make(chan struct{})
}

// restore ends the connections that were silenced.
func (l *line) restore() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.before != 0 {
		l.before = 0
		close(l.heal)
	}
}

// bear counts a direction of a new connection.
func (l *line) bear() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.born++
	return l.born
}

// lost returns what ends the silence of a connection; nil when it is not silenced.
func (l *line) lost(c *carrier) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.born > l.before || !strings.HasPrefix(c.name, l.silent) {
		return nil
	}
	return l.heal
}

// silence is a toxic that swallows what one of the connections carries, as a router does that has forgotten it.
type silence struct{ line *line }

var _ toxics.StatefulToxic = (*silence)(nil)

// carrier is what the toxic knows of one direction of one connection.
type carrier struct {
	born int
	name string
	lost <-chan struct{}
}

func (s *silence) NewState() any { return &carrier{born: s.line.bear()} }

// Pipe carries chunks until the connection ends. A silenced connection lives on for the side that is still there.
func (s *silence) Pipe(stub *toxics.ToxicStub) {
	c := stub.State.(*carrier)
	for {
		select {
		case <-stub.Interrupt:
			return
		case <-c.lost:
			stub.Close()
			return
		case chunk := <-stub.Input:
			if chunk == nil {
				c.linger(stub)
				return
			}
			if c.name == "" {
				c.name = nameOf(chunk.Data)
			}
			if c.lost == nil {
				c.lost = s.line.lost(c)
			}
			if c.lost == nil {
				stub.Output <- chunk
			}
		}
	}
}

// linger keeps the far side of a silenced connection open: it does not learn that the near one has gone.
func (c *carrier) linger(stub *toxics.ToxicStub) {
	if c.lost != nil {
		select {
		case <-stub.Interrupt:
			return
		case <-c.lost:
		}
	}
	stub.Close()
}

// brake is a toxic that slows a connection down after it has carried some bytes, until it is released.
type brake struct {
	Bytes    int `json:"bytes"`
	released atomic.Bool
}

var _ toxics.StatefulToxic = (*brake)(nil)

// Of a connection that is slowed down, so many bytes pass at a time.
const (
	brakeBytes = 400
	brakeEvery = 100 * time.Millisecond
)

// NewState returns how many bytes one direction of one connection has carried.
func (b *brake) NewState() any { return new(int) }

// Pipe carries chunks until the connection ends.
func (b *brake) Pipe(stub *toxics.ToxicStub) {
	for {
		select {
		case <-stub.Interrupt:
			return
		case chunk := <-stub.Input:
			if chunk == nil {
				stub.Close()
				return
			}
			if !b.carry(stub, chunk) {
				return
			}
		}
	}
}

// carry passes one chunk on, in parts if need be. It returns false when the line has gone down.
func (b *brake) carry(stub *toxics.ToxicStub, chunk *stream.StreamChunk) bool {
	carried := stub.State.(*int)
	for len(chunk.Data) > 0 {
		n := min(len(chunk.Data), max(0, b.Bytes-*carried))
		if b.released.Load() {
			n = len(chunk.Data)
		}
		if n == 0 {
			n = min(len(chunk.Data), brakeBytes)
			select {
			case <-stub.Interrupt:
				return false
			case <-time.After(brakeEvery):
			}
		}
		stub.Output <- &stream.StreamChunk{Data: chunk.Data[:n], Timestamp: chunk.Timestamp}
		chunk.Data = chunk.Data[n:]
		*carried += n
	}
	return true
}

// nameOf finds the name that a node gives its connections on their way: both directions carry it.
func nameOf(data []byte) string {
	for _, name := range []string{"rowcall listener", "rowcall poller", "rowcall pool"} {
		if bytes.Contains(data, []byte(name)) {
			return name
		}
	}
	return ""
}
