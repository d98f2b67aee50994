package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"testing"

	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/api/problem"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// get asks for something over HTTP, from an address that a trusted proxy names.
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

// loopbackProxies has the tests' own machine be a trusted proxy.
func loopbackProxies() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

func TestRequestsOfOneAddressAreBounded(t *testing.T) {
	t.Parallel()
	pages := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	st := openStand(t, Options{Pages: pages, Health: NewHealth(HealthOptions{Feed: func() notifier.Health { return notifier.Health{} }})})
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

// TestRequestsOfOneUserAreBounded has a user ask from an address of its own each time, and others not suffer from it.
func TestRequestsOfOneUserAreBounded(t *testing.T) {
	t.Parallel()
	limits := door.Options{RequestsPerSecond: 2, TrustedProxies: loopbackProxies()}
	tn := openLimitedTown(t, schematest.New(t, schematest.Samples), rules.JWT{}, limits, notifier.Options{})
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

// TestReplayedBytesAreBounded has a client read more of the log than it may in a minute: the replay under way comes to
// its end, and on every transport the next hears when to come back. What the node has in memory, and others, are not
// held up.
func TestReplayedBytesAreBounded(t *testing.T) {
	t.Parallel()
	const events, limit = 200, 64 << 10
	limits := door.Options{ReplayBytes: limit}
	tn := openLimitedTown(t, schematest.New(t, schematest.Samples), rules.JWT{}, limits, notifier.Options{TailEvents: 10})
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
