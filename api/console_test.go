package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"rowcall/api/apitest"
	"rowcall/api/door"
	"rowcall/config/rules"
	"rowcall/notifier"
	"rowcall/schema/schematest"
)

// look requests a part of the console and decodes it.
func look[T any](t *testing.T, tn *liveServer, path, cookie string) T {
	t.Helper()
	status, text := meet(t, "GET", tn.site()+path, "Cookie", cookie)
	if status != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, status, text)
	}
	var read T
	if err := json.Unmarshal([]byte(text), &read); err != nil {
		t.Fatalf("GET %s: %v: %s", path, err, text)
	}
	return read
}

func TestConsoleIsForStaff(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	alice, admin := tn.login(t, "alice"), tn.login(t, "admin")
	for _, path := range []string{"", "/topics", "/sessions", "/listener", "/log", "/tail?topic=room/1&user=2"} {
		address := tn.site() + "/api/console" + path
		for cookie, want := range map[string]int{"": 401, alice: 403} {
			status, text := meet(t, "GET", address, "Cookie", cookie)
			if status != want || !strings.Contains(text, `"code":`) {
				t.Errorf("%s: %d %s, want %d", address, status, text, want)
			}
		}
		for _, method := range []string{"PUT", "DELETE"} {
			if status, _ := meet(t, method, address, "Cookie", admin, "Origin", tn.site()); status != 405 {
				t.Errorf("%s %s: %d, want 405", method, address, status)
			}
		}
		if status, _ := meet(t, "GET", address, "Cookie", admin, "Origin", "https://evil.example"); status != 403 {
			t.Errorf("%s from a page of another site: %d, want 403", address, status)
		}
	}
	if status, _ := meet(t, "GET", tn.site()+"/api/console/nothing", "Cookie", admin); status != 404 {
		t.Errorf("an address that there is not: %d", status)
	}
	for _, limit := range []string{"0", "1001", "many", "-1"} {
		for _, path := range []string{"", "/topics", "/sessions"} {
			if status, _ := meet(t, "GET", tn.site()+"/api/console"+path+"?limit="+limit, "Cookie", admin); status != 400 {
				t.Errorf("limit %s of %q: %d, want 400", limit, path, status)
			}
		}
	}
}

func TestConsoleShowsWhoFollowsWhat(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	admin := tn.login(t, "admin")
	alice, bob := tn.native(t, "alice"), tn.native(t, "bob")
	alice.subscribe("room/1", "")
	alice.subscribe("dams", "")
	bob.subscribe("room/1", "")
	tn.dial(t, "/ws/room/2", "dave")
	nobody := listen(t, tn.site(), topics("dams"))
	nobody.live()
	listed := look[consoleTopics](t, tn, "/api/console/topics", admin)
	want := []notifier.TopicCount{{Topic: "dams", Subscribers: 2}, {Topic: "room/1", Subscribers: 2}, {Topic: "room/2", Subscribers: 1}}
	if !slices.Equal(listed.Rows, want) || listed.Total != 3 {
		t.Errorf("topics are %+v", listed)
	}
	if one := look[consoleTopics](t, tn, "/api/console/topics?limit=1", admin); len(one.Rows) != 1 || one.Total != 3 {
		t.Errorf("one of the topics is %+v", one)
	}
	sessions := look[consoleSessions](t, tn, "/api/console/sessions", admin)
	var seen []string
	for _, s := range sessions.Rows {
		seen = append(seen, fmt.Sprint(s.Kind, " ", s.Username, " ", string(s.User), " ", s.Topics, " ", s.TopicCount))
		if s.Address != "127.0.0.1" || s.Since.IsZero() || s.Name == "" {
			t.Errorf("a session is %+v", s)
		}
	}
	slices.Sort(seen)
	if got := strings.Join(seen, "\n"); got != "native alice 1 [dams room/1] 2\nnative bob 2 [room/1] 1\nplain dave 4 [room/2] 1\nsse  null [dams] 1" {
		t.Errorf("sessions are\n%s", got)
	}
}

func TestConsoleShowsListenerAndLog(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	admin := tn.login(t, "admin")
	bob := tn.native(t, "bob")
	bob.subscribe("room/1", "")
	before := look[consoleAll](t, tn, "/api/console", admin)
	tn.db.Psql(t, say(100, "a")+say(101, "b"))
	bob.hears(`"a"`, `"b"`)
	after := look[consoleAll](t, tn, "/api/console", admin)
	if got := after.Counts.HandedOut - before.Counts.HandedOut; got != 2 {
		t.Errorf("%d events were handed out, want 2", got)
	}
	if after.Open[sessionNative] != 1 || after.Counts.Live != 1 || after.Topics.Total != 1 || after.Sessions.Total != 1 {
		t.Errorf("it is %+v", after)
	}
	listener := look[consoleListener](t, tn, "/api/console/listener", admin)
	if !listener.Confirmed || !listener.Connected || !listener.Healthy || listener.LastPoll == nil || listener.State == "reconnecting" || listener.Polls <= 0 {
		t.Errorf("the listener is %+v", listener)
	}
	log := look[consoleLog](t, tn, "/api/console/log", admin)
	if log.Slots != 4 || log.Keep != 24*60*60 || log.KeepBytes != 1<<30 || log.Alarm {
		t.Errorf("the log is %+v", log)
	}
}

// tail opens the console's stream.
func (tn *liveServer) tail(t *testing.T, cookie, topic, user string) *streamClient {
	t.Helper()
	values := topics(topic)
	if user != "" {
		values.Set("user", user)
	}
	return listenAt(t, tn.site()+tailPath, values, "Cookie", cookie)
}

func TestTailShowsWhatTheUserWouldSee(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	admin := tn.login(t, "admin")
	owner, member := tn.tail(t, admin, "room/1", "1"), tn.tail(t, admin, "room/1", "2")
	owner.live()
	member.live()
	tn.db.Psql(t, `INSERT INTO chat_join_requests (user_id, room_id) VALUES (4, 1);`+say(100, "a"))
	owner.hears(`"type":"did_alter_join_request"`, `"message":"a"`)
	member.hears(`"message":"a"`)
	sessions := look[consoleSessions](t, tn, "/api/console/sessions", admin)
	for _, s := range sessions.Rows {
		if s.Kind != sessionStream || s.Username != "admin" || string(s.As) != "1" && string(s.As) != "2" {
			t.Errorf("a tail is %+v", s)
		}
	}
	if listed := look[consoleTopics](t, tn, "/api/console/topics", admin); listed.Total != 1 {
		t.Errorf("topics are %+v", listed)
	}
	back := listenAt(t, tn.site()+tailPath, url.Values{"topic": {"room/1"}, "user": {"2"}}, "Cookie", admin, "Last-Event-ID", member.last)
	back.live()
	tn.db.Psql(t, say(101, "b"))
	back.hears(`"message":"b"`)
}

func TestTailRefuses(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	admin := tn.login(t, "admin")
	for _, c := range []struct {
		topic, user string
		status      int
		says        string
	}{
		{"room/1", "3", 403, "this user may not follow"},
		{"room/1", "", 403, "this user may not follow"}, // admin is no member
		{"room/99", "1", 404, "no such topic"},
		{"room/1", "99", 404, "no such user"},
		{"room/1", "x'; --", 404, "no such user"},
		{"nowhere", "1", 404, "no such topic"},
		{"<console>", "", 400, "topic"},
		{"room//1", "1", 400, "topic"},
	} {
		l := tn.tail(t, admin, c.topic, c.user)
		text, _ := io.ReadAll(l.answer.Body)
		if l.answer.StatusCode != c.status || !strings.Contains(string(text), c.says) {
			t.Errorf("%s as %q: %d %s", c.topic, c.user, l.answer.StatusCode, text)
		}
	}
	for query, want := range map[string]int{"topic=dams&user=": 400, "topic=dams&user=1&user=2": 400, "user=1": 400, "topic=dams": 200} {
		values, _ := url.ParseQuery(query)
		if l := listenAt(t, tn.site()+tailPath, values, "Cookie", admin); l.answer.StatusCode != want {
			t.Errorf("%s: %d, want %d", query, l.answer.StatusCode, want)
		}
	}
}

// A tail ends when the reader's login ends or the reader is no longer staff, and when the shown
// user loses access or the account: in the order of the log, so that it shows nothing that is
// written later.
func TestTailEndsInMidStream(t *testing.T) {
	t.Parallel()
	for name, ending := range map[string]string{
		"logout":      `DELETE FROM rowcall.sessions;`,
		"staff":       `UPDATE users SET is_staff = false WHERE username = 'admin';`,
		"deactivated": `UPDATE users SET is_active = false WHERE username = 'admin';`,
		"member":      `DELETE FROM chat_room_members WHERE user_id = 2 AND room_id = 1;`,
		"user":        `UPDATE users SET is_active = false WHERE id = 2;`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tn := openLiveServer(t)
			l := tn.tail(t, tn.login(t, "admin"), "room/1", "2")
			l.live()
			tn.db.Psql(t, say(100, "seen"))
			l.hears("seen")
			tn.db.Psql(t, ending+say(101, "never"))
			l.ends()
		})
	}
}

// TestTailFollowsWhatBecomesOfTheUser shows a user who has access only as staff.
func TestTailFollowsWhatBecomesOfTheUser(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	tn.db.Psql(t, `UPDATE users SET is_staff = true WHERE id = 2;`)
	l := tn.tail(t, tn.login(t, "admin"), "ward", "2") // a topic for staff
	l.live()
	tn.db.Psql(t, `SELECT rowcall.publish('ward', 'note', '"seen"');`)
	l.hears("seen")
	tn.db.Psql(t, `UPDATE users SET is_staff = false WHERE id = 2; SELECT rowcall.publish('ward', 'note', '"never"');`)
	l.ends()
}

// TestTailReadsOnItsOwnAccount checks that a tail's replay counts for the reader, and not for the
// shown user.
func TestTailReadsOnItsOwnAccount(t *testing.T) {
	t.Parallel()
	tn := openLimitedLiveServer(t, schematest.New(t, schematest.Samples), rules.JWT{}, door.Options{ReplayBytes: 4 << 10}, notifier.Options{TailEvents: 10})
	from := tn.native(t, "").subscribe("dams", "")
	tn.db.Exec(t, `SELECT rowcall.publish('dams/1', 'dam.update', json_build_object('n', n, 'text', repeat('x', 1000))) FROM generate_series(1, 20) AS n`)
	l := listenAt(t, tn.site()+tailPath, topics("dams", "since", from, "user", "2"), "Cookie", tn.login(t, "admin"))
	l.live()
	for range 20 {
		l.event()
	}
	pays := func(user string) bool { return overdrawn(t, tn.door, netip.Addr{}, user) }
	apitest.WaitFor(t, "the replay to be paid for by admin", func() bool { return pays("5") })
	if pays("2") {
		t.Error("bob pays for it")
	}
}
