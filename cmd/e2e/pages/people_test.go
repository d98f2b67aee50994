package pages

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"rowcall/cmd/e2e/rowcalltest"
)

// enroll makes an account with alice's password, for a story that must not disturb others.
func enroll(t *testing.T, s *rowcalltest.Server, name string) {
	t.Helper()
	s.Psql(t, fmt.Sprintf(`INSERT INTO users (username, first_name, password)
		SELECT '%s', initcap('%[1]s'), password FROM users WHERE username = 'alice'`, name))
}

// loginStory logs in on the page, which leads back to where the user was, and logs out again.
func loginStory(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	tb := b.OpenTab(t)
	tb.Open(s.Pages + "patients")
	tb.AllowConsole("401")
	tb.ExpectText("Log in to see patients")
	tb.ExpectNoText("Varga")
	tb.Press("link", "Log in")
	tb.Fill("textbox", "Username", "carol")
	tb.Fill("textbox", "Password", "wrong")
	tb.Press("button", "Log in")
	tb.ExpectElement("alert", "")
	tb.Fill("textbox", "Password", "carol")
	tb.Press("button", "Log in")
	tb.ExpectElement("button", "Edit Ana Ek")
	tb.Press("button", "Carol")
	tb.Press("button", "Log out")
	tb.ExpectElement("link", "Log in")
	tb.ExpectNoText("Varga")
}

// revokedStory deactivates one user and logs another out elsewhere while both look at a page: the
// page hides its rows at once.
func revokedStory(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	for name, end := range map[string]func(*rowcalltest.HTTPUser){
		"erin":  func(*rowcalltest.HTTPUser) { s.Psql(t, `UPDATE users SET is_active = false WHERE username = 'erin'`) },
		"frank": func(p *rowcalltest.HTTPUser) { p.Post(t, "api/logout", "") },
	} {
		enroll(t, s, name)
		who, tb := s.LoginWith(t, name, "alice"), b.OpenTab(t)
		tb.TakeCookie(s, who)
		tb.Open(s.Pages + "patients")
		tb.ExpectElement("button", "Edit Ana Ek")
		end(who)
		tb.ExpectElement("link", "Log in")
		tb.ExpectNoText("Varga")
	}
}

// keptStory goes from page to page and back: pages that the browser keeps for going back hold no
// socket.
func keptStory(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	enroll(t, s, "grace")
	who, tb := s.LoginWith(t, "grace", "alice"), b.OpenTab(t)
	tb.TakeCookie(s, who)
	for _, page := range []string{"chat", "patients", "jobs", "dams"} {
		tb.Open(s.Pages + page)
		tb.ExpectText("Live")
	}
	tb.ExpectSockets(4)
	admin := s.Login(t, "admin")
	sessions := func() int { return strings.Count(admin.Fetch(t, 200, "GET", "/api/console/sessions", ""), `"grace"`) }
	rowcalltest.Eventually(t, func() bool { return sessions() == 1 }, "pages that were left hold sockets")
	// The page answers before it is left.
	tb.Do(chromedp.Evaluate[chromedp.Void](`setTimeout(() => history.back())`))
	tb.ExpectElement("heading", "Jobs")
	tb.ExpectText("Live")
	s.Psql(t, `INSERT INTO job_postings (user_id, title, state) SELECT id, 'After going back', 'new' FROM users WHERE username = 'grace'`)
	tb.ExpectText("After going back")
	rowcalltest.Eventually(t, func() bool { return sessions() == 1 }, "the page that was left holds a socket")
}
