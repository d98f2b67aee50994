package rowcalltest

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"rowcall/testdeadline"
)

// Browser is a running browser, or the first tab of it.
type Browser struct {
	Context context.Context
	T       *testing.T
}

// OpenBrowser starts Chromium without a window and with a new profile. It skips the test where the
// machine has none.
func OpenBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) Browser {
	t.Helper()
	if !hasBrowser() {
		t.Skip("there is no Chromium here; Debian: apt-get install chromium")
	}
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(testdeadline.Hang()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	options = append(options, more...)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx); err != nil { // the browser lives as long as this context, without a deadline
		t.Fatalf("start the browser: %v", err)
	}
	b := Browser{ctx, t}
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

// Do takes steps in the page, each as soon as the page allows it.
func (b Browser) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.Context, testdeadline.Hang())
	defer cancel()
	for i, step := range steps {
		if err := chromedp.Do(ctx, step); err != nil {
			b.T.Fatalf("step %d: %v; the page shows\n%s", i+1, err, b.bodyText())
		}
	}
}

// bodyText returns the text that the page shows, for a message. A busy page may never answer: then
// it says so.
func (b Browser) bodyText() string {
	told := make(chan string, 1)
	go func() { // it ends with the browser at the latest
		page, err := chromedp.Run(b.Context, chromedp.Text(chromedp.CSS("body")))
		if err != nil {
			page = "(it cannot be read: " + err.Error() + ")"
		}
		told <- page
	}()
	select {
	case page := <-told:
		return page
	case <-time.After(5 * time.Second):
		return "(it is too busy to answer)"
	}
}

// watch fails the test for each exception of the page and each violation of its content policy,
// until the browser is closed.
func (b Browser) watch() (closed <-chan struct{}) {
	messages := chromedp.Console(b.Context)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for m, err := range messages {
			if err == nil && (m.IsException() || m.Source == "security") {
				b.T.Errorf("the browser's console: %s", m)
			}
		}
	}()
	return watched
}
