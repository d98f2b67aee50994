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
func openBrowser(t *testing.T) browser {
	t.Helper()
	if !hasBrowser() {
		t.Skip("there is no Chromium here; Debian: apt-get install chromium")
	}
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
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
			page, _ := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("body")))
			b.t.Fatalf("step %d: %v; the page shows\n%s", i+1, err, page)
		}
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

// shown waits for an event with a text.
func shown(text string) chromedp.Action[chromedp.Void] {
	return chromedp.WaitVisible(`//li//div[@class="data"][contains(., "` + text + `")]`)
}

// state waits until the page says how it stands with the topic.
func state(name, text string) chromedp.Action[chromedp.Void] {
	return chromedp.WaitVisible(`//*[@id="state"][contains(@class, "` + name + `")][contains(., "` + text + `")]`)
}

func press(label string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(`//button[text()="` + label + `"]`)
}

// The first page in a browser: a row that psql writes appears, also one that was written while the server
// was away, once; what one user was shown is gone for the next.
func TestFirstPage(t *testing.T) {
	t.Parallel()
	s := openSite(t, map[string]string{"ROWCALL_HTTP_ADDR": unused(t)})
	b := openBrowser(t)
	b.do(chromedp.Navigate(s.pages), state("live", "following dams"), press("alice"), chromedp.WaitVisible(chromedp.CSS("#logout")),
		press("room/1"), state("live", "following room/1"))
	s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 2, '<b>first</b>')`)
	b.do(shown("<b>first</b>"))

	s.node.end(t)
	b.do(state("waiting", "trying again"))
	s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 2, 'while away')`)
	s = s.another(t)
	b.do(state("live", "following room/1"), shown("while away"))
	s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 2, 'last')`)
	b.do(shown("last"))
	events, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`document.querySelectorAll("#log .data").length`))
	if err != nil || events != 3 {
		t.Errorf("the page shows %d events (%v), want 3", events, err)
	}

	b.do(press("Log out"), state("ended", "log in first"), press("dave"), state("ended", "you may not follow this topic"))
	if left, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`document.querySelectorAll("#log li").length`)); err != nil || left != 0 {
		t.Errorf("the next user is shown %d events (%v)", left, err)
	}
}
