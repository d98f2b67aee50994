package main

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// adminStory has a member of staff do on the admin what its document does: a join request is made, admitted
// and deleted, without SQL. The room's owner and who asks have their pages open and follow.
func adminStory(t *testing.T, s *site, b browser) {
	s.enroll(t, "heidi")
	admin, owner, heidi := b.openTab(t), b.openTab(t), b.openTab(t)
	s.visit(admin, "admin", "admin")
	s.visit(owner, "bob", "chat/2")
	heidi.take(s, s.loginWith(t, "heidi", "alice"))
	heidi.open(s.pages + "chat")
	heidi.sees("You are in no room yet")
	owner.sees("Nobody asks to come in right now.")

	admin.press("link", "Add a join request")
	admin.pick("User *", "heidi")
	admin.pick("Room *", "Sunday")
	admin.press("button", "Save and continue")
	owner.finds("button", "Admit Heidi")
	heidi.sees("Sunday football Waiting for the owner")

	admin.finds("button", "Delete")
	admin.choose("Status", "admitted")
	admin.press("button", "Save and continue")
	heidi.sees("Sunday football Admitted")
	heidi.press("link", "Enter")
	heidi.finds("heading", "Sunday football")
	owner.finds("button", "Manage Heidi")
	owner.lacks("button", "Admit Heidi")

	admin.press("button", "Delete")
	admin.finds("dialog", "")
	admin.photograph("admin-delete")
	admin.press("button", "Delete")
	admin.finds("heading", "Join requests")
	eventually(t, func() bool {
		return s.Psql(t, `SELECT count(*) FROM chat_join_requests q JOIN users u ON u.id = q.user_id WHERE username = 'heidi'`) == "0"
	}, "the join request is still there")
	heidi.finds("heading", "Sunday football")
}

// pick chooses a row of another resource by its name.
func (tb *tab) pick(label, name string) {
	tb.t.Helper()
	tb.write("combobox", label, name)
	eventually(tb.t, func() bool { return evaluate[int](tb, `document.querySelectorAll('[role=option]').length`) == 1 }, "there is not one "+name)
	tb.press("option", "")
}

// choose takes one of a list's choices by its value.
func (tb *tab) choose(label, value string) {
	tb.t.Helper()
	tb.finds("combobox", label)
	tb.do(chromedp.SetValue(`//label[normalize-space(.)="`+label+`"]/following::select[1]`, value))
}

// consoleStory has staff see who follows what, and what another user would see of a topic.
func consoleStory(t *testing.T, s *site, b browser) {
	admin, alice := b.openTab(t), b.openTab(t)
	s.visit(alice, "alice", "chat/1")
	alice.finds("textbox", "Message")
	s.visit(admin, "admin", "console")
	admin.finds("button", "Choose room/1 for the tail")
	admin.write("combobox", "Topic", "room/1")
	admin.choose("As user", "1")
	admin.press("button", "Follow")
	admin.sees("Nothing yet on room/1")
	s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 2, 'seen <b>twice</b>')`)
	admin.sees("seen <b>twice</b>")
	alice.sees("seen <b>twice</b>")
	admin.photograph("console-tail")
	admin.forgive("403") // what the page asks for is refused, which the browser mentions
	admin.choose("As user", "4")
	admin.press("button", "Follow anew")
	admin.sees("There is nothing to see")
}
