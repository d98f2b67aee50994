package pages

import (
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

// TestChatPage uses the page of the chat in a browser. The user logs in by the form. A row that
// psql writes appears as text, once, also if it was written while the server was away. The page
// closes when the right to the room ends. After a logout, the next user does not see what the first
// one saw.
func TestChatPage(t *testing.T) {
	t.Parallel()
	s := rowcalltest.StartServer(t, map[string]string{"ROWCALL_HTTP_ADDR": schematest.UnusedAddress(t)})
	tb := rowcalltest.OpenBrowser(t).OpenTab(t)
	tb.AllowCuts()
	tb.Open(s.Pages + "chat/1")
	tb.ExpectText("Log in to see your rooms")
	tb.Press("link", "Log in")
	logInAs(tb, "bob")
	tb.ExpectElement("heading", "Reading group")
	tb.ExpectText("Live")
	s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, '<b>first</b>')`)
	tb.ExpectText("<b>first</b>")

	s.Program.End(t)
	tb.ExpectText("Reconnecting")
	s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'while away')`)
	s = s.StartAnother(t)
	tb.ExpectText("while away")
	tb.ExpectText("Live")
	s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'last')`)
	tb.ExpectText("last")
	for _, message := range []string{"<b>first</b>", "while away", "last"} {
		if n := tb.CountText(message); n != 1 {
			t.Errorf("%q is shown %d times", message, n)
		}
	}

	s.Psql(t, `DELETE FROM chat_room_members WHERE room_id = 1 AND user_id = 2`)
	tb.ExpectElement("heading", "You are no longer a member of this room")
	tb.ExpectNoText("while away")
	s.Psql(t, `INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 2)`)
	tb.ExpectText("while away")
	tb.ExpectText("Alice Lindgren") // the last that the page asks for: who logs out before has it refused

	tb.Press("button", "Bob")
	tb.Press("button", "Log out")
	tb.ExpectNoText("while away")
	tb.Open(s.Pages + "login?to=/chat/1")
	logInAs(tb, "dave")
	tb.ExpectElement("heading", "You are not a member of this room")
	tb.ExpectNoText("while away")
}

// logInAs fills in the form of the login page.
func logInAs(tb *rowcalltest.Tab, name string) {
	tb.T.Helper()
	tb.Fill("textbox", "Username", name)
	tb.Fill("textbox", "Password", name)
	tb.Press("button", "Log in")
}
