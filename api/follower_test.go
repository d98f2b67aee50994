package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"rowcall/schema/schematest"
)

// writers write to room 1, and to room 2 and dams in the same transactions, on several connections.
// Some of their transactions roll back.
type writers struct {
	turns   chan struct{} // one for each transaction
	writing sync.WaitGroup
	end     func()
}

func startWriters(t *testing.T, db *schematest.Database, n int) *writers {
	t.Helper()
	w := &writers{turns: make(chan struct{}, 10_000)}
	w.end = sync.OnceFunc(func() { close(w.turns); w.writing.Wait() })
	for i := range n {
		conn := db.Conn(t)
		random := rand.New(rand.NewPCG(uint64(i), 7))
		w.writing.Go(func() {
			for range w.turns {
				if err := writeSome(t, conn, random); err != nil {
					t.Errorf("writing: %v", err)
					return
				}
			}
		})
	}
	t.Cleanup(w.end)
	return w
}

// write starts writing transactions in the background.
func (w *writers) write(transactions int) {
	for range transactions {
		w.turns <- struct{}{}
	}
}

func writeSome(t testing.TB, conn *pgx.Conn, random *rand.Rand) error {
	var script strings.Builder
	script.WriteString("BEGIN ISOLATION LEVEL " + []string{"READ COMMITTED", "REPEATABLE READ"}[random.IntN(2)] + ";")
	for range 1 + random.IntN(4) {
		fmt.Fprintf(&script, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'm');`)
		if random.IntN(2) == 0 {
			fmt.Fprintf(&script, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (2, 1, 'm');`)
		}
		if random.IntN(3) == 0 {
			script.WriteString("SAVEPOINT s;" + dam("never") + "ROLLBACK TO s;" + dam("d"))
		}
	}
	script.WriteString([]string{"COMMIT;", "COMMIT;", "COMMIT;", "ROLLBACK;"}[random.IntN(4)])
	_, err := conn.Exec(t.Context(), script.String(), pgx.QueryExecModeSimpleProtocol)
	return err
}

// follower is a client that changes transports and nodes, with nothing but its cursor.
type follower struct {
	t      *testing.T
	sites  []string
	topics string
	cookie string
	cursor string
	got    []int // ids of events
	random *rand.Rand
}

func (f *follower) add(data string) {
	var frame struct {
		ID     int `json:",string"`
		Cursor string
	}
	if err := json.Unmarshal([]byte(data), &frame); err != nil {
		f.t.Fatalf("%s: %v", data, err)
	}
	f.got = append(f.got, frame.ID)
	f.cursor = cmp.Or(frame.Cursor, f.cursor)
}

// node returns one of the nodes.
func (f *follower) node() string { return f.sites[f.random.IntN(len(f.sites))] }

// byStream reads some frames, many of which are signs of life, and disconnects at any point.
func (f *follower) byStream() {
	header := []string{"Cookie", f.cookie, "Last-Event-ID", f.cursor}
	query := topics(f.topics)
	if f.random.IntN(2) == 0 {
		query, header = topics(f.topics, "since", f.cursor), header[:2]
	}
	l := listen(f.t, f.node(), query, header...)
	defer l.leave()
	if h := l.live(); h.id != f.cursor {
		f.t.Fatalf("live from %s, not from %s", h.id, f.cursor)
	}
	for range f.random.IntN(100) {
		h := l.block()
		if h.hasData {
			f.add(h.data)
		}
		if h.hasData && h.id != f.cursor {
			f.t.Fatalf("the block's id is %q, its frame's cursor %q", h.id, f.cursor)
		}
		f.cursor = l.last
	}
}

func (f *follower) byReplay() {
	for range 1 + f.random.IntN(3) {
		p := events(f.t, f.node(), topics(f.topics, "since", f.cursor, "limit", fmt.Sprint(1+f.random.IntN(20)),
			"wait", fmt.Sprint(f.random.IntN(2))), "Cookie", f.cookie)
		for _, frame := range p.Events {
			f.add(string(frame))
		}
		f.cursor = p.Cursor
	}
}

func (f *follower) bySocket(tn *liveServer) {
	b := tn.dialWith(f.t, "/v1/ws", http.Header{"Cookie": {f.cookie}})
	defer b.Close()
	b.hear()
	b.subscribe(f.topics, `,"since":"`+f.cursor+`"`)
	b.say(`{"op":"ping"}`)
	for range f.random.IntN(20) {
		data := b.hear()
		if strings.HasPrefix(data, `{"op":"pong"`) {
			if cursor := cursorOf(data); cursor != "" {
				f.cursor = cursor
			}
			b.say(`{"op":"ping"}`)
			continue
		}
		f.add(data)
	}
}

// finish reads what is left.
func (f *follower) finish() {
	for {
		p := events(f.t, f.node(), topics(f.topics, "since", f.cursor), "Cookie", f.cookie)
		for _, frame := range p.Events {
			f.add(string(frame))
		}
		f.cursor = p.Cursor
		if len(p.Events) == 0 {
			return
		}
	}
}

// logged returns the events that the log has for the follower after a cursor, with the transaction
// of each.
func logged(t *testing.T, db *schematest.Database, names string, since int) map[int]string {
	t.Helper()
	rows, err := db.Conn(t).Query(t.Context(), `SELECT id, xid::text FROM rowcall.log
		WHERE id > $1 AND type <> 'rowcall.access' AND (topic = ANY ($2) OR split_part(topic, '/', 1) = ANY ($2))`,
		since, strings.Split(names, " "))
	if err != nil {
		t.Fatal(err)
	}
	found := map[int]string{}
	var id int
	var xid string
	if _, err := pgx.ForEachRow(rows, []any{&id, &xid}, func() error { found[id] = xid; return nil }); err != nil {
		t.Fatal(err)
	}
	return found
}

// check expects each event of the log once, and those of a transaction in order.
func (f *follower) check(want map[int]string) {
	f.t.Helper()
	last := map[string]int{}
	for _, id := range f.got {
		xid, there := want[id]
		if !there || id <= last[xid] {
			f.t.Errorf("%s: event %d is not in the log, came twice or out of order", f.topics, id)
		}
		last[xid] = id
	}
	if len(f.got) != len(want) {
		f.t.Errorf("%s: %d events came, the log has %d", f.topics, len(f.got), len(want))
	}
}
