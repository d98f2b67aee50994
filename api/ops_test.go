package api

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"rowcall/api/apitest"
	"rowcall/notifier"
)

// openOps serves the metrics of a server on an ops listener until the test ends.
func openOps(t *testing.T, m *Metrics, h *Health, hosts ...string) (site string) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	listener, err := ListenOps(t.Context(), "127.0.0.1:0", log)
	if err != nil {
		t.Fatal(err)
	}
	ops, err := NewOps(m, h, hosts, log)
	if err != nil {
		t.Fatal(err)
	}
	apitest.RunUntilEnd(t, func(ctx context.Context) error { return ops.Serve(ctx, listener) })
	return "http://" + listener.Addr().String()
}

func healthOf(h notifier.Health) *Health {
	return NewHealth(HealthOptions{Feed: func() notifier.Health { return h }})
}

func meet(t *testing.T, method, address string, header ...string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if r.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestOpsListener(t *testing.T) {
	t.Parallel()
	site := openOps(t, NewMetrics(), healthOf(notifier.Health{}))
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/metrics", 200},
		{"HEAD", "/metrics", 200},
		{"POST", "/metrics", 403}, // a form could have
		{"DELETE", "/metrics", 405},
		{"PUT", "/readyz", 405},
		{"GET", "/metrics/", 404},
		{"GET", "/", 404},
		{"GET", "/v1/sse", 404},
		{"GET", "/api/console", 404},
		{"GET", "/healthz", 200},
		{"GET", "/readyz", 503},
		{"GET", "/debug/pprof/", 200},
		{"GET", "/debug/pprof/goroutine?debug=1", 200},
		{"GET", "/debug/pprof/nothing", 404},
		{"GET", "/debug/pprof/cmdline", 404},
		{"DELETE", "/debug/pprof/heap", 405},
	} {
		if got, _ := meet(t, c.method, site+c.path); got != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, got, c.status)
		}
	}
	if got, _ := meet(t, "GET", site+"/metrics", "Host", "evil.example"); got != 421 {
		t.Errorf("under another name: %d, want 421", got)
	}
	if got, _ := meet(t, "GET", site+"/metrics", "Origin", "https://evil.example"); got != 403 {
		t.Errorf("from a page of another site: %d, want 403", got)
	}
	for _, c := range []struct {
		from, profile string
		status        int
	}{
		{"cross-site", "trace?seconds=0.01", 403},
		{"same-site", "trace?seconds=0.01", 403},
		{"same-origin", "goroutine", 200}, // a process makes one trace at a time, and another test may have that
		{"none", "goroutine", 200},
	} {
		if got, _ := meet(t, "GET", site+"/debug/pprof/"+c.profile, "Sec-Fetch-Site", c.from); got != c.status {
			t.Errorf("a profile that a browser asks for, %s: %d, want %d", c.from, got, c.status)
		}
	}
	if _, text := meet(t, "GET", site+"/metrics"); !strings.Contains(text, "go_goroutines") || !strings.Contains(text, "process_") {
		t.Error("the numbers of Go and of the process are missing")
	}
}

// TestOpsAnswersToKnownNames sends requests for a host name of another site that resolves to the
// listener's address. They are refused on loopback addresses and on others.
func TestOpsAnswersToKnownNames(t *testing.T) {
	t.Parallel()
	ops, err := NewOps(NewMetrics(), healthOf(notifier.Health{}), []string{"rowcall", "ops.example.org"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{"127.0.0.1:9090", "10.0.0.7:9090", "[fd00::7]:9090"} {
		for host, want := range map[string]int{
			"evil.example": 421, "evil.example:9090": 421, "rowcall.evil.example": 421, "10.0.0.7.evil.example": 421,
			"2130706433": 421, "0x7f.1": 421, ":9090": 421, "localhost.evil.example": 421, "rowcall@evil.example": 421,
			"10.0.0.7:9090": 200, "10.0.0.7": 200, "[fd00::7]:9090": 200, "localhost:9090": 200, "127.0.0.1:9090": 200,
			"rowcall:9090": 200, "Rowcall": 200, "ops.example.org": 200, "": 200,
		} {
			r := httptest.NewRequest("GET", "/healthz", nil)
			r.Host = host
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(at)))))
			w := httptest.NewRecorder()
			if ops.handler.ServeHTTP(w, r); w.Code != want {
				t.Errorf("at %s, asked for %q: %d, want %d", at, host, w.Code, want)
			}
		}
	}
}

func TestOpsIsNotPublic(t *testing.T) {
	t.Parallel()
	st := openFakeFeedServer(t, Options{Health: healthOf(notifier.Health{})})
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/vars"} {
		if got, _ := meet(t, "GET", st.http.URL+path); got != http.StatusNotFound {
			t.Errorf("GET %s on the public listener: %d, want 404", path, got)
		}
	}
}

func TestOpsAddressInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	log := slog.New(slog.DiscardHandler)
	_, err = ListenOps(t.Context(), taken.Addr().String(), log)
	if err == nil || !strings.Contains(err.Error(), "ops.addr") || !strings.Contains(err.Error(), "in use") {
		t.Errorf("the error is %v", err)
	}
}

// A profile that is being made must not keep the node from stopping.
func TestOpsStopsWhileAProfileIsMade(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ops, err := NewOps(NewMetrics(), nil, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- ops.Serve(ctx, listener) }()
	raw, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := io.WriteString(raw, "GET /debug/pprof/trace?seconds=100 HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("it does not stop")
	}
}

// TestMetricsMove reads the metrics of a real node while a client connects, is refused, and
// receives events.
func TestMetricsMove(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	site := openOps(t, tn.metrics, nil) + "/metrics"
	bob := tn.native(t, "bob")
	cursor := bob.subscribe("room/1", "")
	plain := tn.dial(t, "/ws/room/1", "alice")
	l := listen(t, tn.site(), topics("dams"))
	l.live()
	for line, want := range map[string]float64{
		`rowcall_sessions{kind="native"}`:                              1,
		`rowcall_sessions{kind="plain"}`:                               1,
		`rowcall_sessions{kind="sse"}`:                                 1,
		`rowcall_sessions{kind="dcrf"}`:                                0,
		`rowcall_handshakes_total{kind="native",result="accepted"}`:    1,
		`rowcall_handshakes_total{kind="sse",result="accepted"}`:       1,
		`rowcall_subscriptions{state="live"}`:                          3,
		`rowcall_requests_total{route="/v1/ws",status="101"}`:          1,
		`rowcall_requests_total{route="POST /api/login",status="200"}`: 2,
	} {
		if got := metric(t, site, line); got != want {
			t.Errorf("%s is %v, want %v", line, got, want)
		}
	}
	read, handed := metric(t, site, "rowcall_events_read_total"), metric(t, site, "rowcall_events_handed_out_total")
	tn.db.Psql(t, say(100, "a")+say(101, "b")+dam("c"))
	bob.hears(`"message":"a"`, `"message":"b"`)
	plain.hears(`"a"`, `"b"`)
	l.hears(`"c"`)
	reaches(t, site, "rowcall_events_read_total", read+3)
	reaches(t, site, "rowcall_events_handed_out_total", handed+5)
	reaches(t, site, "rowcall_event_delay_seconds_count", 1)
	reaches(t, site, "rowcall_poll_seconds_count", 2)
	reaches(t, site, `rowcall_listener{state="confirmed"}`, 1)
	reaches(t, site, "rowcall_access_seconds_count", 3)
	again := tn.native(t, "bob")
	again.subscribe("room/1", `,"since":"`+cursor+`"`)
	reaches(t, site, `rowcall_replays_total{from="tail"}`, 1)
	again.hears(`"message":"a"`, `"message":"b"`)
	again.subscribe("room/1", `,"since":"0123456789abcdef.10.0"`)
	reaches(t, site, `rowcall_resets_total{reason="epoch"}`, 1)
	again.Close()
	bob.say(strings.Repeat("x", 70<<10))
	bob.expectClose(websocket.CloseMessageTooBig)
	reaches(t, site, `rowcall_closes_total{code="1009",kind="native"}`, 1)
	if got := listen(t, tn.site(), topics("room/1")).answer.StatusCode; got != 401 {
		t.Errorf("nobody in a room: %d", got)
	}
	reaches(t, site, `rowcall_handshakes_total{kind="sse",result="unauthorized"}`, 1)
	reaches(t, site, `rowcall_requests_total{route="GET /v1/sse",status="401"}`, 1)
	_, text := meet(t, "GET", site)
	for _, never := range []string{"room/1", "alice", "bob", "127.0.0.1"} {
		if strings.Contains(text, never) {
			t.Errorf("the numbers tell of %s", never)
		}
	}
}
