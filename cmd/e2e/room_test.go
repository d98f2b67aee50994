package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/cmd/e2e/rowcalltest"
)

// room is the room of one page load, with the messages that the page knows.
type room struct {
	id    int
	known map[string]string // message by id
	read  chan struct{}     // closed when "mark" may be said
}

// take adds the messages that the page reads at its start.
func (r *room) take(messages []map[string]any) {
	for _, m := range messages {
		r.known[fmt.Sprint(m["id"])] = m["message"].(string)
	}
}

// learn applies a frame, and fails the test if the page knew the message already.
func (r *room) learn(t *testing.T, kind string, data map[string]any) {
	t.Helper()
	id := fmt.Sprint(data["id"])
	_, known := r.known[id]
	if known == (kind == "chat_message_created") {
		t.Errorf("%s of message %s, which the page knows: %v", kind, id, known)
	}
	if kind == "chat_message_deleted" {
		delete(r.known, id)
		return
	}
	r.known[id] = data["message"].(string)
}

// loadPages loads pages, a few at a time. Each page has a room of its own, into which two writers
// write all the time. When they are done and the page has its state, the message "mark" is written.
// The page reads up to it and must then equal the table.
func loadPages(t *testing.T, s *rowcalltest.Server, loads int, page func(r *room, pool *pgxpool.Pool)) {
	pool := s.Pool(t)
	var places sync.WaitGroup
	for range 8 {
		places.Go(func() {
			for range loads / 8 {
				loadPage(t, pool, page)
			}
		})
	}
	places.Wait()
}

func loadPage(t *testing.T, pool *pgxpool.Pool, page func(r *room, pool *pgxpool.Pool)) {
	r := &room{known: map[string]string{}, read: make(chan struct{})}
	const opened = `
		WITH room AS (INSERT INTO chat_rooms (owner_id, title) VALUES (1, 'A page') RETURNING id)
		INSERT INTO chat_messages (room_id, sender_id, message) SELECT id, 1, 'old' FROM room RETURNING room_id`
	if err := pool.QueryRow(t.Context(), opened).Scan(&r.id); err != nil {
		t.Error(err)
		return
	}
	var writers sync.WaitGroup
	for range 2 {
		writers.Go(func() { chat(t, pool, r.id) })
	}
	marked := make(chan struct{})
	go func() {
		defer close(marked)
		writers.Wait()
		select {
		case <-r.read:
		case <-t.Context().Done():
			return
		}
		commit(t, pool, fmt.Sprintf(`INSERT INTO chat_messages (room_id, sender_id, message) VALUES (%d, 1, 'mark')`, r.id))
	}()
	page(r, pool)
	<-marked
	if table := messages(t, pool, r.id); !maps.Equal(table, r.known) {
		t.Errorf("room %d: the table has %v, the page %v", r.id, table, r.known)
	}
}

// chat runs a few transactions of different length and isolation level; some of them roll back.
func chat(t *testing.T, pool *pgxpool.Pool, room int) {
	for range 3 {
		level := []string{"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"}[rand.IntN(3)]
		end := []string{"COMMIT", "COMMIT", "COMMIT", "ROLLBACK"}[rand.IntN(4)]
		script := []string{"BEGIN ISOLATION LEVEL " + level}
		for range 1 + rand.IntN(3) {
			script = append(script, fmt.Sprintf(`INSERT INTO chat_messages (room_id, sender_id, message) VALUES (%d, 1, '%s')`, room, end))
		}
		commit(t, pool, strings.Join(append(script, end), ";"))
	}
}

func commit(t *testing.T, pool *pgxpool.Pool, script string) {
	if _, err := pool.Exec(t.Context(), script); err != nil {
		t.Errorf("%s: %v", script, err)
	}
}

func messages(t *testing.T, pool *pgxpool.Pool, room int) map[string]string {
	table := map[string]string{}
	rows, err := pool.Query(t.Context(), `SELECT id::text, message FROM chat_messages WHERE room_id = $1`, room)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer rows.Close()
	for rows.Next() {
		var id, message string
		if err := rows.Scan(&id, &message); err != nil {
			t.Error(err)
		}
		table[id] = message
	}
	return table
}
