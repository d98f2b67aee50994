package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/api/door/doortest"
	"rowcall/schema/schematest"
)

// site returns the server's address.
func (tn *liveServer) site() string { return "http://" + tn.addr }

// lively is another server of the same node, whose streams send signs of life all the time.
func (tn *liveServer) lively(t *testing.T) (site string) {
	_, site = tn.front(t, Limits{PingInterval: time.Millisecond})
	return site
}

// front is another server of the same node, with other limits.
func (tn *liveServer) front(t *testing.T, limits Limits) (front *Server, site string) {
	t.Helper()
	front = tn.another(t, Options{Limits: limits})
	served := httptest.NewUnstartedServer(front.Handler())
	served.Listener = frugal{served.Listener}
	served.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		front.registry.shutDown(ctx)
		served.Close()
	})
	return front, served.URL
}

// hears expects an event that contains this text, and returns it.
func (l *streamClient) hears(parts ...string) string {
	l.t.Helper()
	var data string
	for _, part := range parts {
		if data = l.event(); !strings.Contains(data, part) {
			l.t.Fatalf("heard %s\nwant  %s", data, part)
		}
	}
	return data
}

func TestStreamOfARoom(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	bob, alice := tn.login(t, "bob"), tn.login(t, "alice")
	l := listen(t, tn.site(), topics("room/1 user/2"), "Cookie", bob)
	l.live()
	owner := listen(t, tn.site(), topics("room/1 dams"), "Cookie", alice)
	owner.live()
	tn.db.Psql(t, `INSERT INTO chat_join_requests (user_id, room_id) VALUES (4, 1);`+say(100, "a")+
		`BEGIN;`+say(101, "never")+`ROLLBACK;`+say(102, "b"))
	l.hears(`"message":"a"`, `"message":"b"`)
	owner.hears(`"type":"did_alter_join_request"`, `"message":"a"`, `"message":"b"`)
	for path, status := range map[string]int{"room/1": 403, "room/2": 403, "room/99": 404, "nowhere": 404, "user/2": 403, "dams room/1": 403} {
		if got := listen(t, tn.site(), topics(path), "Cookie", tn.login(t, "carol")).answer.StatusCode; got != status {
			t.Errorf("%s as carol: %d, want %d", path, got, status)
		}
	}
	for path, status := range map[string]int{"room/1": 401, "room/99": 401, "nowhere": 401, "dams": 200, "dams room/1": 401} {
		if got := listen(t, tn.site(), topics(path)).answer.StatusCode; got != status {
			t.Errorf("%s as nobody: %d, want %d", path, got, status)
		}
	}
}

// TestStreamResumesAtEveryEvent follows several topics, and cuts the stream after each event of
// transactions that write to all of them.
func TestStreamResumesAtEveryEvent(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	alice := tn.login(t, "alice")
	l := listen(t, tn.site(), topics("room/1 dams jobs/1"), "Cookie", alice)
	ids := []string{l.live().id}
	tn.db.Psql(t, `BEGIN;`+say(100, "e1")+job("e2")+dam("e3")+say(101, "e4")+dam("e5")+job("e6")+`COMMIT;`+
		`BEGIN;`+dam("e7")+job("e8")+`COMMIT;`+say(102, "e9"))
	for n := 1; n <= 9; n++ {
		l.hears(fmt.Sprintf(`e%d"`, n))
		ids = append(ids, l.last)
	}
	for cut, id := range ids {
		back := listen(t, tn.site(), topics("room/1 dams jobs/1"), "Cookie", alice, "Last-Event-ID", id)
		if h := back.live(); h.id != id && cut < 9 {
			t.Errorf("live from %s, want %s", h.id, id)
		}
		for n := cut + 1; n <= 9; n++ {
			back.hears(fmt.Sprintf(`e%d"`, n))
			if back.last != ids[n] {
				t.Errorf("after event %d the id is %s, was %s", n, back.last, ids[n])
			}
		}
		back.leave()
	}
}

func job(title string) string {
	return fmt.Sprintf(`INSERT INTO job_postings (user_id, title) VALUES (1, '%s');`, title)
}

func dam(name string) string {
	return fmt.Sprintf(`INSERT INTO dams (name, owner, river, date_built, latitude, longitude) VALUES ('%s', 'us', 'Provo', '2026', 40, -111);`, name)
}

// TestStreamOfAQuietTopic keeps up with a busy log without an event, because heartbeats carry a
// cursor.
func TestStreamOfAQuietTopic(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	l := listen(t, tn.lively(t), topics("dams"))
	first := l.live().id
	tn.db.Psql(t, say(100, "noise"))
	for l.last == first {
		l.block()
	}
	beaten := l.last
	l.leave()
	tn.db.Psql(t, dam("quiet no more"))
	back := listen(t, tn.site(), topics("dams"), "Last-Event-ID", beaten)
	back.live()
	back.hears("quiet no more")
}

func TestStreamOfGarbageIsReset(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	foreign := "0123456789abcdef.10.0"
	for _, id := range []string{"garbage", "", foreign, foreign + "~", strings.Repeat("f", 5000), "0", "\u00e4\u2028", "%0Adata: forged"} {
		for _, l := range []*streamClient{
			listen(t, tn.site(), topics("dams"), "Last-Event-ID", id),
			listen(t, tn.site(), topics("dams", "since", id)),
			listen(t, tn.site(), topics("dams", "since", id+"\ndata: forged\n\n")),
		} {
			h := l.block()
			if l.answer.StatusCode != 200 || h.event != "reset" || !strings.Contains(h.data, `"topics":["dams"],"reason":"epoch"`) || h.id == "" {
				t.Errorf("%q: answered %d %+v", id, l.answer.StatusCode, h)
			}
		}
	}
	l := listen(t, tn.site(), topics("dams", "since", "garbage"))
	l.block()
	tn.db.Psql(t, dam("live all the same"))
	l.hears("live all the same")
	if got := listen(t, tn.site(), topics("room/1"), "Last-Event-ID", "garbage").answer.StatusCode; got != 401 {
		t.Errorf("garbage of nobody: %d", got)
	}
}

// TestStreamEndsWithRights takes the access of a user away in each possible way, and reconnects
// with the cursor.
func TestStreamEndsWithRights(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	tests := []struct {
		name, user, topics, loss string
		status                   int
	}{
		{"member removed", "bob", "dams room/1", `DELETE FROM chat_room_members WHERE room_id = 1 AND user_id = 2;`, 403},
		{"room gone", "alice", "room/2", `DELETE FROM chat_rooms WHERE id = 2;`, 404},
		{"user locked", "dave", "user/4", `UPDATE users SET is_active = false WHERE id = 4;`, 401},
		{"login lost", "carol", "dams", `DELETE FROM rowcall.sessions WHERE user_id = '3';`, 401},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cookie := tn.login(t, tt.user)
			l := listen(t, tn.site(), topics(tt.topics), "Cookie", cookie)
			l.live()
			tn.db.Psql(t, dam("before"))
			if strings.Contains(tt.topics, "dams") {
				l.hears("before")
			}
			tn.db.Psql(t, tt.loss)
			tn.db.Psql(t, say(200+i, "secret")+dam("secret"))
			l.ends()
			back := listen(t, tn.site(), topics(tt.topics), "Cookie", cookie, "Last-Event-ID", l.last)
			if back.answer.StatusCode != tt.status {
				t.Errorf("the reconnect gets %d, want %d", back.answer.StatusCode, tt.status)
			}
		})
	}
}

// TestStreamShowsOwnersTheirPart changes the owner of a room: events for its owner end and begin in
// the order of the log, while both streams stay open.
func TestStreamShowsOwnersTheirPart(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	alice := listen(t, tn.site(), topics("room/1 room/2"), "Cookie", tn.login(t, "alice"))
	bob := listen(t, tn.site(), topics("room/1"), "Cookie", tn.login(t, "bob"))
	alice.live()
	bob.live()
	asks := `INSERT INTO chat_join_requests (user_id, room_id) VALUES (4, 1);`
	tn.db.Psql(t, `INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 1) ON CONFLICT DO NOTHING;`)
	tn.db.Psql(t, asks+say(100, "one"))
	tn.db.Psql(t, `UPDATE chat_rooms SET owner_id = 2 WHERE id = 1;`)
	tn.db.Psql(t, asks+say(101, "two"))
	for l, want := range map[*streamClient][]string{
		alice: {"did_alter_join_request", `"one"`, `"two"`},
		bob:   {`"one"`, "did_alter_join_request", `"two"`},
	} {
		for _, part := range want {
			got := l.event()
			for strings.Contains(got, "member_") || strings.Contains(got, "room_updated") {
				got = l.event()
			}
			if !strings.Contains(got, part) {
				t.Errorf("heard %s, want %s", got, part)
			}
		}
	}
}

// TestStreamWithoutADatabase stops and starts the database. An open stream stays open, and a new
// one waits.
func TestStreamWithoutADatabase(t *testing.T) {
	t.Parallel()
	db := schematest.Private(t, schematest.Samples)
	tn := openLiveServerOn(t, db)
	bob := tn.login(t, "bob")
	open := listen(t, tn.site(), topics("room/1"), "Cookie", bob)
	since := open.live().id
	db.Stop(t)
	apitest.WaitFor(t, "the feed to notice", func() bool { return tn.feed.Health().Err != nil })
	waits := listen(t, tn.site(), topics("room/1"), "Cookie", bob, "Last-Event-ID", since)
	stranger := listen(t, tn.site(), topics("room/1"))
	for _, l := range []*streamClient{waits, stranger} {
		if h := l.block(); l.answer.StatusCode != http.StatusOK || h.retry == 0 || h.hasID {
			t.Errorf("without a database: %d %+v", l.answer.StatusCode, h)
		}
	}
	for _, path := range []string{"/v1/events?topic=dams", "/v1/topics/dams"} {
		if status, body := fetch(t, tn.site()+path); status != 503 || !strings.Contains(body, `"retry_after"`) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	db.Start(t)
	waits.live()
	tn.db.Psql(t, say(100, "back"))
	open.hears(`"message":"back"`)
	waits.hears(`"message":"back"`)
	stranger.ends()
}

// TestStreamOfASlowReaderLosesNothing cuts off a reader that leaves 6 MB unread, and reads what has
// arrived. The reader resumes after the last event that it has.
func TestStreamOfASlowReaderLosesNothing(t *testing.T) {
	t.Parallel()
	const dams = 600
	tn := openLiveServer(t)
	front, site := tn.front(t, Limits{WriteTimeout: brisk})
	l := listen(t, site, topics("dams"))
	l.live()
	tn.db.Exec(t, `INSERT INTO dams (name, owner, river, date_built, latitude, longitude)
		SELECT 'd' || i || '.' || repeat('x', 10000), 'us', 'Provo', '2026', 40, -111 FROM generate_series(1, $1) AS i`, dams)
	quickly(t, "to be cut off", front.registry.requests.Wait)
	cuts, next := 0, 1
	for next <= dams {
		h, err := l.next()
		if err != nil {
			cuts++
			l = listen(t, tn.site(), topics("dams"), "Last-Event-ID", l.last)
			l.live()
			continue
		}
		if h.hasData && !strings.Contains(h.data, fmt.Sprintf(`"name":"d%d.`, next)) {
			t.Fatalf("dam %d is %.200s", next, h.data)
		}
		if h.hasData {
			next++
		}
	}
	if cuts == 0 {
		t.Error("it was not cut off")
	}
}

// TestStreamOriginRules checks that streams have the origin rules of sockets.
func TestStreamOriginRules(t *testing.T) {
	st := openFakeFeedServer(t, Options{})
	*st.door = *doortest.Open(t, door.Options{Origins: []string{"https://app.example"}})
	for _, path := range []string{"/v1/sse", "/v1/events", "/v1/topics/dams"} {
		for origin, want := range map[string]int{"https://app.example": 200, "https://evil.example": 403, "null": 403, "http://app.example": 403} {
			r, _ := http.NewRequestWithContext(t.Context(), "GET", st.http.URL+path+"?topic=dams", nil)
			r.Header = http.Header{"Origin": {origin}}
			answer, err := new(http.Transport).RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			allowed := answer.Header.Get("Access-Control-Allow-Origin")
			if answer.StatusCode != want || (allowed == origin) != (want == 200) || answer.Header.Get("Vary") != "Origin" {
				t.Errorf("%s from %s: %d, allowed %q", path, origin, answer.StatusCode, allowed)
			}
		}
	}
}
