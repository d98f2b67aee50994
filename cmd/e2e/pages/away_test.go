package pages

import (
	"testing"

	"github.com/chromedp/chromedp"

	"rowcall/cmd/e2e/rowcalltest"
)

// awayStory has a page of a room open while the server is away. When the server is back, the page
// sends what was typed, once, and shows what others wrote, without a page load.
func awayStory(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	alice, bob := b.OpenTab(t), b.OpenTab(t)
	for tb, name := range map[*rowcalltest.Tab]string{alice: "alice", bob: "bob"} {
		tb.AllowCuts()
		visit(s, tb, name, "chat/1")
		tb.ExpectText("Reading it on the train")
	}
	alice.Do(chromedp.Evaluate[chromedp.Void](`window.marker = 'still here'; 0`))
	s.Program.End(t)
	alice.ExpectText("Reconnecting")
	alice.Fill("textbox", "Message", "Typed while away")
	alice.Press("button", "Send")
	alice.ExpectText("Typed while away Sending")
	s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 2, 'Written while away')`)
	s = s.StartAnother(t)
	for _, tb := range []*rowcalltest.Tab{alice, bob} {
		tb.ExpectText("Written while away")
		tb.ExpectText("Typed while away")
		tb.ExpectNoText("Sending")
		tb.ExpectNoText("Reconnecting")
		s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 2, 'after that')`)
		tb.ExpectText("after that")
		for _, text := range []string{"Typed while away", "Written while away", "Reading it on the train"} {
			if n := tb.CountText(text); n != 1 {
				t.Errorf("%q is shown %d times", text, n)
			}
		}
	}
	if got := s.Psql(t, `SELECT count(*) FROM chat_messages WHERE message = 'Typed while away'`); got != "1" {
		t.Errorf("what was typed meanwhile is there %s times", got)
	}
	if got := rowcalltest.Evaluate[string](alice, `window.marker ?? 'a new page'`); got != "still here" {
		t.Errorf("the page is %s", got)
	}
}
