package pages

import (
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

// exactStory has rows whose keys JavaScript would round to one number. The pages show, change and
// delete the row that was chosen.
func exactStory(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	s.Psql(t, `
		INSERT INTO patients (id, first_name, last_name, admission_date) VALUES (9007199254740992, 'Even', 'Exact', now()), (9007199254740993, 'Odd', 'Exact', now());
		INSERT INTO chat_rooms (id, owner_id, title) VALUES (9007199254740992, 3, 'Even room'), (9007199254740993, 3, 'Odd room');
		INSERT INTO chat_messages (id, room_id, sender_id, message) VALUES (9007199254740992, 9007199254740993, 3, 'even message'), (9007199254740993, 9007199254740993, 3, 'odd message')`)
	patients := func() string {
		return s.Psql(t, `SELECT string_agg(id || ' ' || first_name, ', ' ORDER BY id) FROM patients WHERE last_name = 'Exact'`)
	}
	admin, carol := b.OpenTab(t), b.OpenTab(t)
	visit(s, carol, "carol", "patients")
	carol.ExpectElement("button", "Edit Odd Exact")
	visit(s, admin, "admin", "admin/patients?search=Odd")
	admin.ExpectText("9007199254740993")
	admin.Press("link", "Exact")
	admin.Fill("textbox", "First name *", "Odder")
	admin.Press("button", "Save and continue")
	admin.ExpectText("Saved Exact")
	if got, want := patients(), "9007199254740992 Even, 9007199254740993 Odder"; got != want {
		t.Errorf("after a change of the second row: %s, want %s", got, want)
	}
	carol.ExpectElement("button", "Edit Odder Exact")
	carol.ExpectElement("button", "Edit Even Exact")
	admin.Press("button", "Delete")
	admin.ExpectElement("dialog", "")
	admin.Press("button", "Delete")
	admin.ExpectElement("heading", "Patients")
	carol.ExpectNoElement("button", "Edit Odder Exact")
	carol.ExpectElement("button", "Edit Even Exact")
	if got, want := patients(), "9007199254740992 Even"; got != want {
		t.Errorf("after a deletion of the second row: %s, want %s", got, want)
	}

	carol.Open(s.Pages + "chat/9007199254740993")
	carol.ExpectElement("heading", "Odd room")
	s.Psql(t, `DELETE FROM chat_messages WHERE id = 9007199254740993; UPDATE chat_messages SET message = 'changed' WHERE id = 9007199254740992`)
	carol.ExpectNoText("odd message")
	carol.ExpectText("changed (edited)")
	carol.Fill("textbox", "Message", "from here")
	carol.Press("button", "Send")
	carol.ExpectNoText("Sending")
	if got := s.Psql(t, `SELECT room_id FROM chat_messages WHERE message = 'from here'`); got != "9007199254740993" {
		t.Errorf("the message is in room %s, want 9007199254740993", got)
	}
	carol.Open(s.Pages + "chat")
	carol.Press("link", "Even room Yours")
	carol.ExpectElement("heading", "Even room")
}
