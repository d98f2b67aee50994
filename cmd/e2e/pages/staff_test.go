package pages

import (
	"testing"

	"github.com/chromedp/chromedp"

	"rowcall/cmd/e2e/rowcalltest"
)

// adminStory makes, admits and deletes a join request in the admin, without SQL. The owner of the
// room and the requesting user have their pages open and see each step.
func adminStory(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	enroll(t, s, "heidi")
	admin, owner, heidi := b.OpenTab(t), b.OpenTab(t), b.OpenTab(t)
	visit(s, admin, "admin", "admin")
	visit(s, owner, "bob", "chat/2")
	heidi.TakeCookie(s, s.LoginWith(t, "heidi", "alice"))
	heidi.Open(s.Pages + "chat")
	heidi.ExpectText("No rooms yet")
	owner.ExpectText("No requests to join.")

	admin.Press("link", "Add a join request")
	pick(admin, "User *", "heidi")
	pick(admin, "Room *", "Sunday")
	admin.Press("button", "Save and continue")
	owner.ExpectElement("button", "Admit Heidi")
	heidi.ExpectText("Sunday football Waiting for the owner")

	admin.ExpectElement("button", "Delete")
	choose(admin, "Status", "admitted")
	admin.Press("button", "Save and continue")
	heidi.ExpectText("Sunday football Admitted")
	heidi.Press("link", "Enter")
	heidi.ExpectElement("heading", "Sunday football")
	owner.ExpectElement("button", "Manage Heidi")
	owner.ExpectNoElement("button", "Admit Heidi")

	admin.Press("button", "Delete")
	admin.ExpectElement("dialog", "")
	photograph(admin, "admin-delete")
	admin.Press("button", "Delete")
	admin.ExpectElement("heading", "Join requests")
	rowcalltest.Eventually(t, func() bool {
		return s.Psql(t, `SELECT count(*) FROM chat_join_requests q JOIN users u ON u.id = q.user_id WHERE username = 'heidi'`) == "0"
	}, "the join request is still there")
	heidi.ExpectElement("heading", "Sunday football")
}

// pick chooses a row of another resource by its name.
func pick(tb *rowcalltest.Tab, label, name string) {
	tb.T.Helper()
	tb.Fill("combobox", label, name)
	rowcalltest.Eventually(tb.T, func() bool {
		return rowcalltest.Evaluate[int](tb, `document.querySelectorAll('[role=option]').length`) == 1
	}, "there is not one "+name)
	tb.Press("option", "")
}

// choose selects an entry of a list by its value.
func choose(tb *rowcalltest.Tab, label, value string) {
	tb.T.Helper()
	tb.ExpectElement("combobox", label)
	tb.Do(chromedp.SetValue(`//label[normalize-space(.)="`+label+`"]/following::select[1]`, value))
}

// consoleStory checks that the console shows the followers of a topic, and what another user would
// see of it.
func consoleStory(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	admin, alice := b.OpenTab(t), b.OpenTab(t)
	visit(s, alice, "alice", "chat/1")
	alice.ExpectElement("textbox", "Message")
	visit(s, admin, "admin", "console")
	admin.ExpectElement("button", "Choose room/1 for the tail")
	admin.Fill("combobox", "Topic", "room/1")
	choose(admin, "As user", "1")
	admin.Press("button", "Follow")
	admin.ExpectText("No events on room/1 yet")
	s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 2, 'seen <b>twice</b>')`)
	admin.ExpectText("seen <b>twice</b>")
	alice.ExpectText("seen <b>twice</b>")
	photograph(admin, "console-tail")
	admin.AllowConsole("403") // what the page asks for is refused, which the browser mentions
	choose(admin, "As user", "4")
	admin.Press("button", "Restart")
	admin.ExpectText("No events to show")
}
