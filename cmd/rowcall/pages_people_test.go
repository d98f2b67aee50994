package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// enroll makes an account whose password is its name, so that what is done to it hurts no other story.
func (s *site) enroll(t *testing.T, name string) {
	t.Helper()
	s.Psql(t, fmt.Sprintf(`INSERT INTO users (username, first_name, password)
		SELECT '%s', initcap('%[1]s'), password FROM users WHERE username = 'alice'`, name))
}

// loginStory has somebody log in on the page, who is led back to where they were, and out again.
func loginStory(t *testing.T, s *site, b browser) {
	tb := b.openTab(t)
	tb.open(s.pages + "patients")
	tb.forgive("401")
	tb.sees("Log in to see patients")
	tb.misses("Varga")
	tb.press("link", "Log in")
	tb.write("textbox", "Username", "carol")
	tb.write("textbox", "Password", "wrong")
	tb.press("button", "Log in")
	tb.finds("alert", "")
	tb.write("textbox", "Password", "carol")
	tb.press("button", "Log in")
	tb.finds("button", "Edit Ana Ek")
	tb.press("button", "Carol")
	tb.press("button", "Log out")
	tb.finds("link", "Log in")
	tb.misses("Varga")
}

// revokedStory has two people whose right to be there ends while they look: one is deactivated, the other
// has logged out elsewhere. What they were shown is gone at once.
func revokedStory(t *testing.T, s *site, b browser) {
	for name, end := range map[string]func(*person){
		"erin":  func(*person) { s.Psql(t, `UPDATE users SET is_active = false WHERE username = 'erin'`) },
		"frank": func(p *person) { p.post(t, "api/logout", "") },
	} {
		s.enroll(t, name)
		who, tb := s.loginWith(t, name, "alice"), b.openTab(t)
		tb.take(s, who)
		tb.open(s.pages + "patients")
		tb.finds("button", "Edit Ana Ek")
		end(who)
		tb.finds("link", "Log in")
		tb.misses("Varga")
	}
}

// keptStory goes from page to page and back: pages that the browser keeps for going back hold no socket.
func keptStory(t *testing.T, s *site, b browser) {
	s.enroll(t, "grace")
	who, tb := s.loginWith(t, "grace", "alice"), b.openTab(t)
	tb.take(s, who)
	for _, page := range []string{"chat", "patients", "jobs", "dams"} {
		tb.open(s.pages + page)
		tb.sees("Live")
	}
	tb.connects(4)
	admin := s.login(t, "admin")
	sessions := func() int { return strings.Count(admin.rest(t, 200, "GET", "/api/console/sessions", ""), `"grace"`) }
	eventually(t, func() bool { return sessions() == 1 }, "pages that were left hold sockets")
	tb.do(chromedp.Evaluate[chromedp.Void](`history.back()`))
	tb.finds("heading", "Jobs")
	tb.sees("Live")
	s.Psql(t, `INSERT INTO job_postings (user_id, title, state) SELECT id, 'After going back', 'new' FROM users WHERE username = 'grace'`)
	tb.sees("After going back")
	eventually(t, func() bool { return sessions() == 1 }, "the page that was left holds a socket")
}
