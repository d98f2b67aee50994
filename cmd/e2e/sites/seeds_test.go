package sites

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

// TestFrontendsOfTheSeeds runs the frontends for which Rowcall's sockets are made, with their own
// libraries, in a browser. Only the host of their sockets is changed.
func TestFrontendsOfTheSeeds(t *testing.T) {
	t.Parallel()
	pages, b := buildFrontends(t), rowcalltest.OpenBrowser(t, chromedp.IgnoreCertErrors)
	t.Run("all", func(t *testing.T) { // the browser stays until all are done
		for name, story := range map[string]func(*testing.T, frontends, rowcalltest.Browser){
			"chat":        chatStory,
			"dams":        damsStory,
			"jobs":        jobsStory,
			"patients":    patientsStory,
			"same origin": sameOriginStory,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				story(t, pages, b)
			})
		}
	})
}

// openForPages starts a node that accepts pages of other ports of this machine, as demo does. After
// a restart it has the same port.
func openForPages(t *testing.T, settings map[string]string) *rowcalltest.Server {
	t.Helper()
	env := map[string]string{
		"ROWCALL_HTTP_ADDR":    schematest.UnusedAddress(t),
		"ROWCALL_HTTP_ORIGINS": "http://127.0.0.1:*,https://127.0.0.1:*",
	}
	for name, value := range settings {
		env[name] = value
	}
	return rowcalltest.StartServer(t, env)
}

// restart stops the node and starts it again after its sockets have been closed.
func restart(t *testing.T, s *rowcalltest.Server) *rowcalltest.Server {
	t.Helper()
	s.Program.End(t)
	return s.StartAnother(t)
}

// sameOriginStory serves each of the frontends unchanged, on the address of the node, behind a
// proxy.
func sameOriginStory(t *testing.T, pages frontends, b rowcalltest.Browser) {
	s := openForPages(t, map[string]string{"ROWCALL_HTTP_ORIGINS": "", "ROWCALL_HTTP_TRUSTED_PROXIES": "127.0.0.1/32"})
	plain, secure := pages.inFront(t, "http", s.Pages), pages.inFront(t, "https", s.Pages)
	open := func(front, page, who string) *rowcalltest.Tab {
		tb := b.OpenTab(t)
		tb.Open(front + "blank")
		tb.Login(front, who)
		tb.Open(front + page)
		tb.ExpectSockets(1)
		return tb
	}
	room, home := open(plain, "chat/room.html?room=1", "bob"), open(plain, "chat/home.html?user=4", "dave")
	dams, simple := open(plain, "dams/home.html", "alice"), open(plain, "jobs/simple.html", "alice")
	list, patients := open(secure, "jobs/index.html", "alice"), open(plain, "patients/index.html", "alice")
	patients.ExpectTextOf("#patient-1", "Ana Ek")
	list.ExpectTextOf("#root", "Sort the summer collection: running Sort the winter collection: queued")

	s.Psql(t, `
		INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, '<b>Hello</b>');
		INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (31, 4, 1);
		INSERT INTO dams (name) VALUES ('Mauvoisin');
		UPDATE job_postings SET state = 'done' WHERE title LIKE '%summer%';
		UPDATE patients SET last_name = 'Lind' WHERE id = 1`)
	room.ExpectTextOf("#messages", "<b>Hello</b>")
	home.ExpectTextOf("#requests", "waiting")
	dams.ExpectTextOf("#notificationLabel", "Dam Notification")
	simple.ExpectConsole(fmt.Sprintf(`log: {id: %s, state: "done"}`, s.Psql(t, `SELECT id FROM job_postings WHERE title LIKE '%summer%'`)))
	list.ExpectTextOf("#root", "Sort the summer collection: done Sort the winter collection: queued")
	patients.ExpectTextOf("#patient-1", "Ana Lind")
}
