// Package testbrowser starts a real browser for a test.
package testbrowser

import (
	"context"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"

	"rowcall/testdeadline"
)

// programs are the names of Chromium, the cheapest first: a headless shell is the same engine without the windows, the
// extensions and the start page, which take half of the processor time of the tests of pages.
func programs() []string {
	return []string{
		"chromium-headless-shell", "headless_shell", "headless-shell", "chromium", "chromium-browser",
		"google-chrome", "google-chrome-stable", "chrome",
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	}
}

// Start starts Chromium without a window and with a new profile, and returns a context of its first tab. The browser is closed
// when the test ends. Start skips the test where the machine has no Chromium.
func Start(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(find(t)), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
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
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("close the browser: %v", err)
		}
	})
	return ctx
}

func find(t *testing.T) string {
	t.Helper()
	for _, name := range programs() {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("there is no Chromium here; Debian: apt-get install chromium-headless-shell")
	return ""
}
