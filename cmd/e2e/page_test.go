package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/cmd/e2e/rowcalltest"
)

// pageLoads is how often each of the two tests below loads a page while others write.
const pageLoads = 240

// TestPageThenSocket renders a page, commits a message, and only then opens the socket of the page.
// With the cursor of the statement that read the page, no message is lost and none arrives twice.
func TestPageThenSocket(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	alice := s.Login(t, "alice")
	const render = `
		SELECT rowcall.cursor(), coalesce(json_agg(json_build_object('id', id::text, 'message', message)), '[]')
		FROM chat_messages WHERE room_id = $1`
	loadPages(t, s, pageLoads, func(r *room, pool *pgxpool.Pool) {
		var cursor string
		var rows []map[string]any
		if err := pool.QueryRow(t.Context(), render, r.id).Scan(&cursor, &rows); err != nil {
			t.Error(err)
			return
		}
		r.take(rows)
		commit(t, pool, fmt.Sprintf(`INSERT INTO chat_messages (room_id, sender_id, message) VALUES (%d, 2, 'meanwhile')`, r.id))
		close(r.read)
		ws, _, err := alice.Handshake(fmt.Sprintf("/ws/room/%d?since=%s", r.id, url.QueryEscape(cursor)))
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.Close()
		for said := ""; said != "mark"; {
			var f struct {
				Type   string
				Kwargs map[string]any
			}
			if err := ws.ReadJSON(&f); err != nil {
				t.Error(err)
				return
			}
			r.learn(t, f.Type, f.Kwargs)
			said = f.Kwargs["message"].(string)
		}
	})
}

// TestSnapshotThenEvents does the same with the native protocol, which reads state and cursor
// itself, and with messages that are changed and deleted.
func TestSnapshotThenEvents(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, nil)
	alice := s.Login(t, "alice")
	loadPages(t, s, pageLoads, func(r *room, pool *pgxpool.Pool) {
		ws, _, err := alice.Handshake("/v1/ws", "rowcall.v1")
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.Close()
		request := fmt.Sprintf(`{"op":"subscribe","topic":"room/%d","snapshot":true}`, r.id)
		commit(t, pool, fmt.Sprintf(`UPDATE chat_messages SET message = 'edited' WHERE room_id = %d AND message = 'old'`, r.id))
		if err := ws.WriteMessage(1, []byte(request)); err != nil {
			t.Error(err)
			return
		}
		commit(t, pool, fmt.Sprintf(`DELETE FROM chat_messages WHERE room_id = %d AND message = 'edited'`, r.id))
		for said := any(nil); said != "mark"; {
			_, text, err := ws.ReadMessage()
			var f rowcalltest.Frame
			if err == nil {
				err = json.Unmarshal(text, &f)
			}
			if err != nil {
				t.Error(err)
				return
			}
			switch f.Op {
			case "subscribed":
				r.take(f.Snapshot)
				close(r.read)
			case "event":
				r.learn(t, f.Type, f.Data)
				said = f.Data["message"]
			}
		}
	})
}
