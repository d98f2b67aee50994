package main

import "testing"

// roomStory has two users side by side: one opens a room, the other asks to join it by its code, is admitted,
// comes in without loading a page, both write, and the owner removes them: they are shown out at once.
func roomStory(t *testing.T, s *site, b browser) {
	alice, bob := b.openTab(t), b.openTab(t)
	s.visit(alice, "alice", "chat")
	s.visit(bob, "bob", "chat")

	alice.press("button", "New room")
	alice.write("textbox", "Title", "Film club")
	alice.write("textbox", "Join code", "popcorn")
	alice.press("button", "Open the room")
	alice.finds("heading", "Film club")
	alice.sees("Nobody asks to come in right now.")

	bob.write("textbox", "Join code", "popcorn")
	bob.press("button", "Ask to join")
	bob.sees("Film club Waiting for the owner")
	alice.press("button", "Admit Bob Moreau")
	bob.sees("Film club Admitted")
	bob.press("link", "Enter")
	bob.finds("heading", "Film club")

	bob.write("textbox", "Message", "Hello!")
	bob.press("button", "Send")
	alice.sees("Hello!")
	alice.write("textbox", "Message", "Welcome, <b>Bob</b>")
	alice.press("button", "Send")
	bob.sees("Welcome, <b>Bob</b>")
	if n := alice.count("Hello!"); n != 1 {
		t.Errorf("a message is shown %d times", n)
	}

	alice.press("button", "Manage Bob Moreau")
	alice.finds("button", "Remove from the room")
	alice.photograph("chat-member")
	alice.press("button", "Remove from the room")
	alice.lacks("button", "Manage Bob Moreau")
	bob.finds("heading", "You are not in this room any more")
	bob.misses("Welcome, <b>Bob</b>")
}
