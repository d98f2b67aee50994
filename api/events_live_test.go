package api

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/schema/schematest"
)

// pageClient is an answer of GET /v1/events.
type pageClient struct {
	Events []json.RawMessage `json:"events"`
	Cursor string            `json:"cursor"`
	More   bool              `json:"more"`
}

// events requests a page, which must be answered.
func events(t testing.TB, site string, values url.Values, header ...string) pageClient {
	t.Helper()
	status, body := fetch(t, site+"/v1/events?"+values.Encode(), header...)
	var p pageClient
	if err := json.Unmarshal([]byte(body), &p); status != 200 || err != nil || p.Cursor == "" {
		t.Fatalf("%s: %d %s", values.Encode(), status, body)
	}
	return p
}

func TestReplayInPages(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	alice := tn.login(t, "alice")
	all := func(more ...string) url.Values { return topics("room/1 dams jobs/1", more...) }
	start := events(t, tn.site(), all(), "Cookie", alice)
	tn.db.Psql(t, `BEGIN;`+say(100, "e1")+job("e2")+dam("e3")+say(101, "e4")+dam("e5")+job("e6")+`COMMIT;`+
		`BEGIN;`+dam("e7")+job("e8")+`COMMIT;`+say(102, "e9"))
	for limit := 1; limit <= 10; limit++ {
		next, since := 1, start.Cursor
		for more := true; more; {
			p := events(t, tn.site(), all("since", since, "limit", fmt.Sprint(limit)), "Cookie", alice)
			for _, frame := range p.Events {
				if !strings.Contains(string(frame), fmt.Sprintf(`e%d"`, next)) {
					t.Fatalf("in pages of %d, event %d is %s", limit, next, frame)
				}
				next++
			}
			if len(p.Events) > limit {
				t.Fatalf("%d events in a page of %d", len(p.Events), limit)
			}
			since, more = p.Cursor, p.More
		}
		if next != 10 {
			t.Errorf("in pages of %d, %d events came", limit, next-1)
		}
		if p := events(t, tn.site(), all("since", since), "Cookie", alice); len(p.Events) > 0 || p.More {
			t.Errorf("in pages of %d, %d events came twice", limit, len(p.Events))
		}
	}
}

// TestReplayOfLargeEvents reads pages that are full by their size in bytes.
func TestReplayOfLargeEvents(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	start := events(t, tn.site(), topics("dams"))
	tn.db.Psql(t, `INSERT INTO dams (name, owner, river, date_built, latitude, longitude)
		SELECT 'd' || i || repeat('x', 600000), 'us', 'Provo', '2026', 40, -111 FROM generate_series(1, 5) AS i;`)
	got, since := 0, start.Cursor
	for more := true; more; {
		p := events(t, tn.site(), topics("dams", "since", since))
		if len(p.Events) == 0 || len(p.Events) > 2 {
			t.Fatalf("%d events of 600 kB in one page", len(p.Events))
		}
		got, since, more = got+len(p.Events), p.Cursor, p.More
	}
	if got != 5 {
		t.Errorf("%d events, want 5", got)
	}
}

func TestReplayWaitsForTheLog(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	carol := tn.login(t, "carol")
	start := events(t, tn.site(), topics("dams"))
	var woken, refused sync.WaitGroup
	var came pageClient
	woken.Go(func() { came = events(t, tn.site(), topics("dams", "since", start.Cursor, "wait", "30")) })
	tn.db.Psql(t, `INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 3);`)
	member := events(t, tn.site(), topics("room/1"), "Cookie", carol)
	var status int
	var body string
	refused.Go(func() {
		address := tn.site() + "/v1/events?" + topics("room/1", "since", member.Cursor, "wait", "30").Encode()
		status, body = fetch(t, address, "Cookie", carol)
	})
	quickly(t, "what waits", func() {
		tn.db.Psql(t, dam("new"))
		woken.Wait()
		tn.db.Psql(t, `DELETE FROM chat_room_members WHERE room_id = 1 AND user_id = 3;`)
		refused.Wait()
	})
	if len(came.Events) != 1 || !strings.Contains(string(came.Events[0]), `"name":"new"`) {
		t.Errorf("it waited for %+v", came)
	}
	if status != 403 {
		t.Errorf("a member who was removed gets %d %s", status, body)
	}
	if status, body := fetch(t, tn.site()+"/v1/events?"+topics("room/1", "since", member.Cursor).Encode(), "Cookie", carol); status != 403 {
		t.Errorf("and then %d %s", status, body)
	}
}

func TestReplayOfForeignCursors(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	status, body := fetch(t, tn.site()+"/v1/events?topic=dams&since=0123456789abcdef.10.0")
	var gone struct{ Code, Reason, Cursor string }
	if err := json.Unmarshal([]byte(body), &gone); err != nil || status != 410 || gone.Code != "cursor_expired" || gone.Reason != "epoch" {
		t.Fatalf("%d %s", status, body)
	}
	tn.db.Psql(t, dam("next"))
	if p := events(t, tn.site(), topics("dams", "since", gone.Cursor)); len(p.Events) != 1 {
		t.Errorf("from the new cursor came %+v", p)
	}
	for _, since := range []string{"x", "", "%00"} {
		status, body := fetch(t, tn.site()+"/v1/events?topic=dams&since="+since)
		if status != 400 || !strings.Contains(body, "since: ") {
			t.Errorf("since=%s: answered %d %s, want 400 that names since", since, status, body)
		}
	}
}

// TestPageAndItsStream reads the messages of a room, and follows the room from their cursor while
// others write. At the end the client has what the table has.
func TestPageAndItsStream(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	bob := tn.login(t, "bob")
	for round := range 10 {
		w := startWriters(t, tn.db, 3)
		w.write(60)
		status, body := fetch(t, tn.site()+"/v1/topics/room/1", "Cookie", bob)
		var state struct {
			Topic, Cursor string
			Snapshot      []struct{ ID int }
		}
		if err := json.Unmarshal([]byte(body), &state); err != nil || status != 200 || state.Topic != "room/1" {
			t.Fatalf("%d %s %v", status, body, err)
		}
		var ids []int
		for _, row := range state.Snapshot {
			ids = append(ids, row.ID)
		}
		l := listen(t, tn.site(), topics("room/1", "since", state.Cursor), "Cookie", bob)
		l.live()
		w.end()
		last := 1_000_000 + round
		tn.db.Psql(t, say(last, "last"))
		for len(ids) == 0 || ids[len(ids)-1] != last {
			ids = append(ids, messageOf(t, l.event()))
		}
		l.leave()
		slices.Sort(ids)
		if table := tn.messages(t); !slices.Equal(ids, table) {
			t.Fatalf("the page has %d messages, of which %d differ; the table has %d", len(ids), len(slices.Compact(ids)), len(table))
		}
	}
}

// messages returns the ids of the messages of room 1.
func (tn *liveServer) messages(t *testing.T) []int {
	t.Helper()
	rows, err := tn.db.Conn(t).Query(t.Context(), `SELECT id FROM chat_messages WHERE room_id = 1 ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// messageOf returns the id of the message that an event is about.
func messageOf(t testing.TB, data string) int {
	t.Helper()
	var frame struct {
		Data struct {
			ID int `json:",string"`
		}
	}
	if err := json.Unmarshal([]byte(data), &frame); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return frame.Data.ID
}

// TestEveryEventOnceByAnyTransport follows a log that is written to, and changes nodes and
// transports with nothing but a cursor.
func TestEveryEventOnceByAnyTransport(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	nodes := []*liveServer{openLiveServerOn(t, db), openLiveServerOn(t, db)}
	sites := []string{nodes[0].lively(t), nodes[1].lively(t)}
	cookie := nodes[0].login(t, "alice")
	var since int
	if err := db.Conn(t).QueryRow(t.Context(), `SELECT coalesce(max(id), 0) FROM rowcall.log`).Scan(&since); err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	var followers []*follower
	for _, names := range []string{"room/1", "room/1 room/2 dams"} {
		start := events(t, sites[0], topics(names), "Cookie", cookie)
		followers = append(followers, &follower{t: t, sites: sites, topics: names, cookie: cookie, cursor: start.Cursor, random: random})
	}
	w := startWriters(t, db, 3)
	for range 40 {
		w.write(12)
		for _, f := range followers {
			switch n := random.IntN(3); {
			case n == 0:
				f.byReplay()
			case n == 1 && !strings.Contains(f.topics, " "):
				f.bySocket(nodes[random.IntN(2)])
			default:
				f.byStream()
			}
		}
	}
	w.end()
	for _, f := range followers {
		f.finish()
		f.check(logged(t, db, f.topics, since))
	}
}

// TestRemovedMemberHearsNothing removes a member while others write, several times and on two
// nodes. What is written after a removal has committed must not reach the member by a stream or a
// waiting request.
func TestRemovedMemberHearsNothing(t *testing.T) {
	t.Parallel()
	db := schematest.New(t, schematest.Samples)
	nodes := []*liveServer{openLiveServerOn(t, db), openLiveServerOn(t, db)}
	carol := nodes[0].login(t, "carol")
	w := startWriters(t, db, 2)
	for range 25 {
		db.Exec(t, `INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 3)`)
		var leaks sync.WaitGroup
		for _, node := range nodes {
			start := events(t, node.site(), topics("room/1"), "Cookie", carol)
			stream := listen(t, node.site(), topics("room/1 dams", "since", start.Cursor), "Cookie", carol)
			stream.live()
			leaks.Go(func() {
				defer stream.leave()
				for h, err := stream.next(); err == nil; h, err = stream.next() {
					noSecret(t, h.data)
				}
			})
			leaks.Go(func() { noSecret(t, node.replaysUntilRefused(t, carol, start.Cursor)) })
		}
		w.write(10)
		db.Exec(t, `DELETE FROM chat_room_members WHERE room_id = 1 AND user_id = 3`)
		db.Exec(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'secret')`)
		quickly(t, "the end of all streams", leaks.Wait)
		db.Exec(t, `DELETE FROM chat_messages WHERE message = 'secret'`)
	}
}

func noSecret(t testing.TB, text string) {
	if strings.Contains(text, "secret") {
		t.Errorf("a member who was removed hears %s", text)
	}
}

// replaysUntilRefused requests events until a request is refused, and returns all answers.
func (tn *liveServer) replaysUntilRefused(t testing.TB, cookie, cursor string) string {
	var heard strings.Builder
	for {
		status, body := fetch(t, tn.site()+"/v1/events?"+topics("room/1", "since", cursor, "wait", "5").Encode(), "Cookie", cookie)
		heard.WriteString(body)
		var p pageClient
		if status != http.StatusOK || json.Unmarshal([]byte(body), &p) != nil {
			return heard.String()
		}
		cursor = p.Cursor
	}
}
