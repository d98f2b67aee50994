package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rowcall/api/apitest"
	"rowcall/testdeadline"
)

// brisk is a deadline of the server that a test can wait for, and that no client who does not mean to exceeds: it is
// longer on a slow machine.
var brisk = testdeadline.Scale(time.Second)

// lax is a deadline of the server that no test waits for.
const lax = time.Hour

func laxDeadlines() deadlines { return deadlines{header: lax, body: lax, answer: lax, idle: lax} }

func TestUsualDeadlines(t *testing.T) {
	t.Parallel()
	st := openStand(t, Options{})
	server := st.httpServer()
	if server.ReadHeaderTimeout != 5*time.Second || server.ReadTimeout != 15*time.Second || server.IdleTimeout != time.Minute || server.MaxHeaderBytes != 16<<10 {
		t.Errorf("time limits %v %v %v, header %d", server.ReadHeaderTimeout, server.ReadTimeout, server.IdleTimeout, server.MaxHeaderBytes)
	}
	if st.deadlines.body != 10*time.Second || st.limits.PongTimeout != time.Minute {
		t.Errorf("a body has %v, a pong %v", st.deadlines.body, st.limits.PongTimeout)
	}
}

// TestClientsThatDawdleAreCutOff has one client for each thing that can take for ever. The one deadline that is for it
// cuts it off.
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
			st := openStand(t, Options{})
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

// cutOff reads to the end, which comes in its time.
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

// TestAnAnswerMayTakeLongerThanItsBody has a request worked on for longer than its body may take to come.
func TestAnAnswerMayTakeLongerThanItsBody(t *testing.T) {
	t.Parallel()
	d := laxDeadlines()
	d.body = brisk
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.begin(w, r)
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

// bigPage is what one client reads slowly, and another not at all.
const bigPage = 4 << 20

// fetchPage asks a server whose answers must be taken briskly for a page, and reads it with read. served is closed when
// the server has sent the page or given it up.
func fetchPage(t *testing.T, read func(page io.Reader, served <-chan struct{}) (int64, error)) (int64, error) {
	t.Helper()
	served := make(chan struct{})
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(served)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(make([]byte, bigPage)))
	})
	st := openStand(t, Options{Pages: page})
	*st.deadlines = laxDeadlines()
	st.deadlines.answer = brisk
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

// TestASlowLinkGetsTheWholePage has a page take several times as long as any other answer may.
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

// TestAPageThatNobodyTakesIsCutOff has a client who does not read at all.
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
	st := openStand(t, Options{})
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

// TestFiveThousandHalfOpenHandshakesStopNobody leaves them half open for as long as the usual deadlines allow, while
// others open sockets.
func TestFiveThousandHalfOpenHandshakesStopNobody(t *testing.T) {
	const halfOpen = 5000
	st := openStand(t, Options{})
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
