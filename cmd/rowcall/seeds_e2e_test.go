package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// The frontends that Rowcall's sockets are made for, with their own libraries, in a browser. Nothing is
// changed in them but their sockets' host.
func TestFrontendsOfTheSeeds(t *testing.T) {
	t.Parallel()
	pages, b := buildFrontends(t), openBrowser(t, chromedp.IgnoreCertErrors)
	t.Run("all", func(t *testing.T) { // the browser stays until all are done
		for name, story := range map[string]func(*testing.T, frontends, browser){
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

// openForPages starts a node that pages of this machine's other ports may connect to, as demo does. Its
// port is the same when it is started again.
func openForPages(t *testing.T, settings map[string]string) *site {
	t.Helper()
	env := map[string]string{
		"ROWCALL_HTTP_ADDR":    unused(t),
		"ROWCALL_HTTP_ORIGINS": "http://127.0.0.1:*,https://127.0.0.1:*",
	}
	for name, value := range settings {
		env[name] = value
	}
	return openSite(t, env)
}

// restart stops the node, and starts it again when its sockets have heard a goodbye.
func (s *site) restart(t *testing.T) *site {
	t.Helper()
	s.node.end(t)
	return s.another(t)
}

// sameOriginStory has each of the frontends where the node is, behind a proxy, as it stands.
func sameOriginStory(t *testing.T, pages frontends, b browser) {
	s := openForPages(t, map[string]string{"ROWCALL_HTTP_ORIGINS": "", "ROWCALL_HTTP_TRUSTED_PROXIES": "127.0.0.1/32"})
	plain, secure := pages.inFront(t, "http", s.pages), pages.inFront(t, "https", s.pages)
	open := func(front, page, who string) *tab {
		tb := b.openTab(t)
		tb.open(front + "blank")
		tb.login(front, who)
		tb.open(front + page)
		tb.connects(1)
		return tb
	}
	room, home := open(plain, "chat/room.html?room=1", "bob"), open(plain, "chat/home.html?user=4", "dave")
	dams, simple := open(plain, "dams/home.html", "alice"), open(plain, "jobs/simple.html", "alice")
	list, patients := open(secure, "jobs/index.html", "alice"), open(plain, "patients/index.html", "alice")
	patients.shows("#patient-1", "Ana Ek")
	list.shows("#root", "Sort the summer collection: running Sort the winter collection: queued")

	s.Psql(t, `
		INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, '<b>Hello</b>');
		INSERT INTO chat_join_requests (id, user_id, room_id) VALUES (31, 4, 1);
		INSERT INTO dams (name) VALUES ('Mauvoisin');
		UPDATE job_postings SET state = 'done' WHERE title LIKE '%summer%';
		UPDATE patients SET last_name = 'Lind' WHERE id = 1`)
	room.shows("#messages", "<b>Hello</b>")
	home.shows("#requests", "waiting")
	dams.shows("#notificationLabel", "Dam Notification")
	simple.logged(fmt.Sprintf(`log: {id: %s, state: "done"}`, s.Psql(t, `SELECT id FROM job_postings WHERE title LIKE '%summer%'`)))
	list.shows("#root", "Sort the summer collection: done Sort the winter collection: queued")
	patients.shows("#patient-1", "Ana Lind")
}
