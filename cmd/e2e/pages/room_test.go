package pages

import (
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

// roomStory has two users. One opens a room; the other asks to join with its code, is admitted, and
// enters without a page load. Both write, and the owner removes the other user, whose page closes
// the room at once.
func roomStory(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	alice, bob := b.OpenTab(t), b.OpenTab(t)
	visit(s, alice, "alice", "chat")
	visit(s, bob, "bob", "chat")

	alice.Press("button", "New room")
	alice.Fill("textbox", "Title", "Film club")
	alice.Fill("textbox", "Join code", "popcorn")
	alice.Press("button", "Create room")
	alice.ExpectElement("heading", "Film club")
	alice.ExpectText("No requests to join.")

	bob.Fill("textbox", "Join code", "popcorn")
	bob.Press("button", "Ask to join")
	bob.ExpectText("Film club Waiting for the owner")
	alice.Press("button", "Admit Bob Moreau")
	bob.ExpectText("Film club Admitted")
	if n := bob.CountText("You have asked to join"); n != 0 {
		t.Errorf("after the admission %d toasts say that the user has asked, want 0", n)
	}
	bob.Press("link", "Enter")
	bob.ExpectElement("heading", "Film club")

	bob.Fill("textbox", "Message", "Hello!")
	bob.Press("button", "Send")
	alice.ExpectText("Hello!")
	alice.Fill("textbox", "Message", "Welcome, <b>Bob</b>")
	alice.Press("button", "Send")
	bob.ExpectText("Welcome, <b>Bob</b>")
	if n := alice.CountText("Hello!"); n != 1 {
		t.Errorf("a message is shown %d times", n)
	}

	alice.Press("button", "Manage Bob Moreau")
	alice.ExpectElement("button", "Remove from room")
	photograph(alice, "chat-member")
	alice.Press("button", "Remove from room")
	alice.ExpectNoElement("button", "Manage Bob Moreau")
	bob.ExpectElement("heading", "You are no longer a member of this room")
	bob.ExpectNoText("Welcome, <b>Bob</b>")
}
