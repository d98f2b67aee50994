package main

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// awayStory has a room's page while the server is away: what is typed meanwhile is sent once, when it is back,
// and what others wrote meanwhile is there, without a page load.
func awayStory(t *testing.T, s *site, b browser) {
	alice, bob := b.openTab(t), b.openTab(t)
	for tb, name := range map[*tab]string{alice: "alice", bob: "bob"} {
		tb.forgiveCuts()
		tb.forgive("net::ERR_CONNECTION_REFUSED", "net::ERR_EMPTY_RESPONSE", "net::ERR_CONNECTION_RESET")
		s.visit(tb, name, "chat/1")
		tb.sees("Reading it on the train")
	}
	alice.do(chromedp.Evaluate[chromedp.Void](`window.marker = 'still here'; 0`))
	s.node.end(t)
	alice.sees("Reconnecting")
	alice.write("textbox", "Message", "Typed while away")
	alice.press("button", "Send")
	alice.sees("Typed while away Sending")
	s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 2, 'Written while away')`)
	s = s.another(t)
	for _, tb := range []*tab{alice, bob} {
		tb.sees("Written while away")
		tb.sees("Typed while away")
		tb.misses("Sending")
		tb.misses("Reconnecting")
		s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 2, 'after that')`)
		tb.sees("after that")
		for _, text := range []string{"Typed while away", "Written while away", "Reading it on the train"} {
			if n := tb.count(text); n != 1 {
				t.Errorf("%q is shown %d times", text, n)
			}
		}
	}
	if got := s.Psql(t, `SELECT count(*) FROM chat_messages WHERE message = 'Typed while away'`); got != "1" {
		t.Errorf("what was typed meanwhile is there %s times", got)
	}
	if got := evaluate[string](alice, `window.marker ?? 'a new page'`); got != "still here" {
		t.Errorf("the page is %s", got)
	}
}
