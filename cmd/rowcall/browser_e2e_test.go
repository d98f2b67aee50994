package main

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browser is a tab of a real browser.
type browser struct {
	ctx context.Context
	t   *testing.T
}

// openBrowser starts a browser of the machine's, without a window and with a profile of its own.
func openBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) browser {
	t.Helper()
	if !hasBrowser() {
		t.Skip("there is no Chromium here; Debian: apt-get install chromium")
	}
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	options = append(options, more...)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx); err != nil { // the browser lives as long as this context, without a deadline
		t.Fatalf("start the browser: %v", err)
	}
	b := browser{ctx, t}
	watched := b.watch()
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("close the browser: %v", err)
		}
		<-watched
	})
	return b
}

func hasBrowser() bool {
	for _, name := range []string{"headless_shell", "headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if _, err := exec.LookPath(name); err == nil {
			return true
		}
	}
	_, err := os.Stat("/Applications/Google Chrome.app")
	return err == nil
}

// do acts as a person at the page, who waits for what has to come.
func (b browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	for i, step := range steps {
		if err := chromedp.Do(ctx, step); err != nil {
			b.t.Fatalf("step %d: %v; the page shows\n%s", i+1, err, b.text())
		}
	}
}

// text is what the page shows, as far as it says so soon: one that is busy may never answer.
func (b browser) text() string {
	told := make(chan string, 1)
	go func() { // until the browser is closed, where the page is too busy to answer
		page, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("body")))
		if err != nil {
			page = "(nothing that it would tell: " + err.Error() + ")"
		}
		told <- page
	}()
	select {
	case page := <-told:
		return page
	case <-time.After(5 * time.Second):
		return "(it is too busy to tell)"
	}
}

// watch complains of what the page throws and of what its content policy has to stop, until the browser is closed.
func (b browser) watch() (closed <-chan struct{}) {
	messages := chromedp.Console(b.ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for m, err := range messages {
			if err == nil && (m.IsException() || m.Source == "security") {
				b.t.Errorf("the browser's console: %s", m)
			}
		}
	}()
	return watched
}

// The chat's page in a browser: a login by the form; a row that psql writes appears as the text it is, also one that was
// written while the server was away, once; a right that is taken away ends the page's; what one user was shown is
// gone for the next.
func TestChatPage(t *testing.T) {
	t.Parallel()
	s := openSite(t, map[string]string{"ROWCALL_HTTP_ADDR": unused(t)})
	tb := openBrowser(t).openTab(t)
	tb.forgiveCuts()
	tb.open(s.pages + "chat/1")
	tb.sees("Log in to see your rooms")
	tb.press("link", "Log in")
	logInAs(tb, "bob")
	tb.finds("heading", "Reading group")
	tb.sees("Live")
	s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, '<b>first</b>')`)
	tb.sees("<b>first</b>")

	s.node.end(t)
	tb.sees("Reconnecting")
	s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'while away')`)
	s = s.another(t)
	tb.sees("while away")
	tb.sees("Live")
	s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 1, 'last')`)
	tb.sees("last")
	for _, message := range []string{"<b>first</b>", "while away", "last"} {
		if n := tb.count(message); n != 1 {
			t.Errorf("%q is shown %d times", message, n)
		}
	}

	s.Psql(t, `DELETE FROM chat_room_members WHERE room_id = 1 AND user_id = 2`)
	tb.finds("heading", "You are not in this room any more")
	tb.misses("while away")
	s.Psql(t, `INSERT INTO chat_room_members (room_id, user_id) VALUES (1, 2)`)
	tb.sees("while away")
	tb.sees("Alice Lindgren") // the last that the page asks for: who logs out before has it refused

	tb.press("button", "Bob")
	tb.press("button", "Log out")
	tb.misses("while away")
	tb.open(s.pages + "login?to=/chat/1")
	logInAs(tb, "dave")
	tb.finds("heading", "This room is not open to you")
	tb.misses("while away")
}

// logInAs fills in the form of the login page.
func logInAs(tb *tab, name string) {
	tb.t.Helper()
	tb.write("textbox", "Username", name)
	tb.write("textbox", "Password", name)
	tb.press("button", "Log in")
}
