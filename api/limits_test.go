package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/api/problem"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/schema/schematest"
	"rowcall/testdeadline"
)

// get sends a GET request from an address that a trusted proxy names.
func get(t *testing.T, url, from string, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Forwarded-For", from)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer
}

// loopbackProxies makes the machine of the tests a trusted proxy.
func loopbackProxies() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

func TestRequestsOfOneAddressAreBounded(t *testing.T) {
	t.Parallel()
	pages := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	st := openFakeFeedServer(t, Options{Pages: pages, Health: NewHealth(HealthOptions{Feed: func() notifier.Health { return notifier.Health{} }})})
	door := doortest.Open(t, door.Options{RequestsPerSecond: 1, TrustedProxies: loopbackProxies(), Exempt: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	*st.door = *door
	const asked = "2001:db8::1"
	for i, want := range []int{404, 404, 429, 429} { // a second's worth, and as many again at once
		answer := get(t, st.http.URL+"/v1/nothing", asked)
		if answer.StatusCode != want {
			t.Fatalf("request %d is answered %d, want %d", i+1, answer.StatusCode, want)
		}
		if want == 429 && (answer.Header.Get("Retry-After") != "1" || answer.Header.Get("Content-Type") != "application/problem+json") {
			t.Errorf("answered with %v", answer.Header)
		}
	}
	for _, tt := range []struct {
		what, path, from string
		want             int
	}{
		{"the same /64", "/api/me", "2001:db8::2", 429},
		{"another /64", "/api/nothing", "2001:db8:0:1::1", 404},
		{"a stream, which a refusal would end for good", "/v1/sse?topic=dams", asked, 200},
		{"a page", "/rooms/5", asked, http.StatusTeapot},
		{"health", "/healthz", asked, 200},
		{"readiness", "/readyz", asked, 503},
	} {
		if answer := get(t, st.http.URL+tt.path, tt.from); answer.StatusCode != tt.want {
			t.Errorf("%s is answered %d, want %d", tt.what, answer.StatusCode, tt.want)
		}
	}
	for i := range 5 {
		if answer := get(t, st.http.URL+"/v1/nothing", "192.0.2.1"); answer.StatusCode != 404 {
			t.Errorf("request %d of an exempt address is answered %d", i+1, answer.StatusCode)
		}
	}
}

// TestRequestsOfOneUserAreBounded sends the requests of a user from many addresses. The limit is
// the user's, and other users are not affected.
func TestRequestsOfOneUserAreBounded(t *testing.T) {
	t.Parallel()
	limits := door.Options{RequestsPerSecond: 2, TrustedProxies: loopbackProxies()}
	tn := openLimitedLiveServer(t, schematest.New(t, schematest.Samples), rules.JWT{}, limits, notifier.Options{})
	alice, bob := tn.login(t, "alice"), tn.login(t, "bob")
	answered := map[int]int{}
	for i := range 20 {
		answer := get(t, "http://"+tn.addr+"/api/me", fmt.Sprintf("198.51.100.%d", i), "Cookie", alice)
		answered[answer.StatusCode]++
		if answer.StatusCode == 429 && answer.Header.Get("Retry-After") == "" {
			t.Error("nobody says when to come back")
		}
	}
	if answered[200] < 4 || answered[429] < 4 || len(answered) != 2 {
		t.Errorf("answered %v", answered)
	}
	if answer := get(t, "http://"+tn.addr+"/api/me", "198.51.100.200", "Cookie", bob); answer.StatusCode != 200 {
		t.Errorf("bob is answered %d", answer.StatusCode)
	}
	tn.dialWith(t, "/v1/ws", http.Header{"Cookie": {alice}, "X-Forwarded-For": {"198.51.100.201"}}).expectClose(1013)
}

// TestReplayedBytesAreBounded reads more of the log than a client may in a minute. The replay that
// runs is completed; the next is refused on every transport, with the time to come back. Events in
// memory, and other users, are not affected.
func TestReplayedBytesAreBounded(t *testing.T) {
	t.Parallel()
	const events, limit = 200, 64 << 10
	limits := door.Options{ReplayBytes: limit}
	tn := openLimitedLiveServer(t, schematest.New(t, schematest.Samples), rules.JWT{}, limits, notifier.Options{TailEvents: 10})
	from := tn.native(t, "").subscribe("dams", "")
	tn.db.Exec(t, `SELECT rowcall.publish('dams/1', 'dam.update', json_build_object('n', n, 'text', repeat('x', 1000))) FROM generate_series(1, $1::int) AS n`, events)
	first := tn.native(t, "")
	last := first.subscribe("dams", `,"since":"`+from+`"`)
	for range events {
		last = cursorOf(first.hears(`"op":"event"`))
	}
	apitest.WaitFor(t, "the replay to be paid for", func() bool {
		return overdrawn(t, tn.door, netip.MustParseAddr("127.0.0.1"), "")
	})

	b := tn.native(t, "")
	b.say(`{"op":"subscribe","topic":"dams","since":"` + from + `"}`)
	b.hears(`{"op":"error","topic":"dams","code":"rate_limited","message":"too much was replayed","retryable":true,"retry_after":1`)
	b.subscribe("dams", `,"since":"`+last+`"`)
	tn.dial(t, "/dam-inventory/dams/notifications/ws/?since="+from, "").expectClose(1013)
	answer := get(t, "http://"+tn.addr+"/v1/events?topic=dams&since="+from, "")
	if after := answer.Header.Get("Retry-After"); answer.StatusCode != 429 || len(after) < 3 {
		t.Errorf("answered %d, to come back after %q seconds", answer.StatusCode, after)
	}
	stream := listen(t, "http://"+tn.addr, topics("dams", "since", from))
	if h := stream.block(); stream.answer.StatusCode != 200 || h.retry < 60_000 || h.hasID {
		t.Errorf("the stream is answered %d %+v", stream.answer.StatusCode, h)
	}
	stream.ends()
	alice := tn.native(t, "alice")
	alice.subscribe("dams", `,"since":"`+from+`"`)
	alice.hears(`"n":1,`)
}

// overdrawn reports whether a user, or an address without a user, may not replay for now.
func overdrawn(t *testing.T, d *door.Door, addr netip.Addr, user string) bool {
	t.Helper()
	done, err := d.ReplayMeter(addr, user).BeginReplay(t.Context())
	if err == nil {
		done()
	}
	return errors.Is(err, problem.ErrRateLimited)
}

// brisk is a deadline of the server for which a test can wait, and which a client does not exceed
// by accident: it is longer on a slow machine.
var brisk = testdeadline.Scale(time.Second)

// lax is a deadline of the server that no test reaches.
const lax = time.Hour

func laxDeadlines() deadlines { return deadlines{header: lax, body: lax, answer: lax, idle: lax} }

func TestUsualDeadlines(t *testing.T) {
	t.Parallel()
	st := openFakeFeedServer(t, Options{})
	server := st.httpServer()
	if server.ReadHeaderTimeout != 5*time.Second || server.ReadTimeout != 15*time.Second || server.IdleTimeout != time.Minute || server.MaxHeaderBytes != 16<<10 {
		t.Errorf("time limits %v %v %v, header %d", server.ReadHeaderTimeout, server.ReadTimeout, server.IdleTimeout, server.MaxHeaderBytes)
	}
	if st.deadlines.body != 10*time.Second || st.limits.PongTimeout != time.Minute {
		t.Errorf("a body has %v, a pong %v", st.deadlines.body, st.limits.PongTimeout)
	}
}

// TestClientsThatDawdleAreCutOff has a slow client for each deadline. The deadline that is tested
// is brisk, and cuts the client off.
func TestClientsThatDawdleAreCutOff(t *testing.T) {
	t.Parallel()
	const login = "POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
	header := func(d *deadlines) { d.header = brisk }
	tests := []struct {
		name, say string
		deadline  func(*deadlines)
	}{
		{"nothing at all", "", header},
		{"half a header", "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow:", header},
		{"half a handshake", "GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", header},
		{"half a body", login + `{"username":`, func(d *deadlines) { d.body = brisk }},
		{"a request, and then silence", "GET /v1/nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", func(d *deadlines) { d.idle = brisk }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st := openFakeFeedServer(t, Options{})
			*st.deadlines = laxDeadlines()
			tt.deadline(st.deadlines)
			st.startServing(t)
			raw, err := net.Dial("tcp", st.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			began := time.Now()
			if _, err := io.WriteString(raw, tt.say); err != nil {
				t.Fatal(err)
			}
			cutOff(t, raw, began)
		})
	}
}

// cutOff expects that the connection is closed, not before the deadline.
func cutOff(t *testing.T, raw net.Conn, began time.Time) {
	t.Helper()
	_ = raw.SetReadDeadline(began.Add(patience))
	if _, err := io.Copy(io.Discard, raw); isTimeout(err) {
		t.Error("it is still there")
	}
	if took := time.Since(began); took < brisk*9/10 {
		t.Errorf("cut off after %v", took)
	}
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}

// TestAnAnswerMayTakeLongerThanItsBody has a handler that runs for longer than the deadline of the
// body.
func TestAnAnswerMayTakeLongerThanItsBody(t *testing.T) {
	t.Parallel()
	d := laxDeadlines()
	d.body = brisk
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.startBody(w, r)
		_, err := io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
			err = errors.Join(err, context.Cause(r.Context()))
		case <-time.After(2 * brisk):
		}
		if err != nil {
			t.Errorf("%s: %v", r.Method, err)
		}
	}))
	server.Config.ReadTimeout = brisk
	server.Start()
	defer server.Close()
	for _, method := range []string{"GET", "POST"} {
		var body io.Reader
		if method == "POST" {
			body = strings.NewReader("{}")
		}
		r, err := http.NewRequest(method, server.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
}

// dialFrugal serves on a port of its own and connects to it. The kernel takes little of an answer that the
// client does not read.
func (st *fakeFeedServer) dialFrugal(t *testing.T) net.Conn {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	apitest.RunUntilEnd(t, func(ctx context.Context) error { return st.Serve(ctx, frugal{listener}) })
	raw, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	if err := raw.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	return raw
}

// bigPage is the size of a page that one client reads slowly, and another not at all.
const bigPage = 4 << 20

// fetchPage requests a page from a server with a brisk deadline for answers, and reads it with
// read. served is closed when the server has sent the page or given it up.
func fetchPage(t *testing.T, read func(page io.Reader, served <-chan struct{}) (int64, error)) (int64, error) {
	t.Helper()
	served := make(chan struct{})
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(served)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(make([]byte, bigPage)))
	})
	st := openFakeFeedServer(t, Options{Pages: page})
	*st.deadlines = laxDeadlines()
	st.deadlines.answer = brisk
	raw := st.dialFrugal(t)
	if _, err := io.WriteString(raw, "GET /big HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	_ = raw.SetReadDeadline(time.Now().Add(patience))
	answer, err := http.ReadResponse(bufio.NewReaderSize(raw, 16), nil)
	if err != nil {
		t.Fatal(err)
	}
	return read(answer.Body, served)
}

// TestASlowLinkGetsTheWholePage reads a page for several times the deadline of an answer.
func TestASlowLinkGetsTheWholePage(t *testing.T) {
	t.Parallel()
	began := time.Now()
	n, err := fetchPage(t, func(body io.Reader, _ <-chan struct{}) (n int64, err error) {
		tick := time.NewTicker(brisk / 10)
		defer tick.Stop()
		for err == nil {
			var read int64
			<-tick.C
			read, err = io.CopyN(io.Discard, body, bigPage/50)
			n += read
		}
		return n, err
	})
	if took := time.Since(began); n != bigPage || err != io.EOF || took < 3*brisk {
		t.Errorf("%d of %d bytes in %v: %v", n, bigPage, took, err)
	}
}

// TestAPageThatNobodyTakesIsCutOff has a client that does not read.
func TestAPageThatNobodyTakesIsCutOff(t *testing.T) {
	t.Parallel()
	n, err := fetchPage(t, func(body io.Reader, served <-chan struct{}) (int64, error) {
		<-served
		return io.Copy(io.Discard, body)
	})
	if n == bigPage || err == nil || isTimeout(err) {
		t.Errorf("%d of %d bytes: %v", n, bigPage, err)
	}
}

func TestATLSHandshakeThatDawdlesIsCutOff(t *testing.T) {
	t.Parallel()
	st := openFakeFeedServer(t, Options{})
	*st.deadlines = laxDeadlines()
	st.deadlines.header = brisk
	cert, key := certificate(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := st.httpServer()
	served := make(chan error, 1)
	go func() {
		served <- server.Serve(tls.NewListener(plain, &tls.Config{Certificates: []tls.Certificate{pair}}))
	}()
	defer func() { server.Close(); <-served }()
	raw, err := net.Dial("tcp", plain.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	began := time.Now()
	if _, err := raw.Write([]byte{22, 3, 1}); err != nil { // the beginning of a hello
		t.Fatal(err)
	}
	cutOff(t, raw, began)
}

// TestFiveThousandHalfOpenHandshakesStopNobody leaves handshakes half open for as long as the
// default deadlines allow, while other clients open sockets.
func TestFiveThousandHalfOpenHandshakesStopNobody(t *testing.T) {
	const halfOpen = 5000
	st := openFakeFeedServer(t, Options{})
	st.startServing(t)
	all := make([]net.Conn, 0, halfOpen)
	defer func() {
		for _, raw := range all {
			raw.Close()
		}
	}()
	for range halfOpen {
		raw, err := net.Dial("tcp", st.addr)
		if err != nil {
			t.Fatalf("after %d: %v", len(all), err)
		}
		all = append(all, raw)
		if _, err := io.WriteString(raw, "GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade:"); err != nil {
			t.Fatal(err)
		}
		if len(all)%1000 == 0 {
			st.dialServed(t, "/v1/ws").hears(`{"op":"welcome"`)
		}
	}
	last := all[halfOpen-1]
	_ = last.SetReadDeadline(time.Now().Add(patience))
	if _, err := http.ReadResponse(bufio.NewReader(last), nil); isTimeout(err) {
		t.Error("a half open one is still there")
	}
}
