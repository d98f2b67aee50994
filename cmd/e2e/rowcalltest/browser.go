package rowcalltest

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"rowcall/testbrowser"
	"rowcall/testdeadline"
)

// Browser is a running browser, or the first tab of it.
type Browser struct {
	Context context.Context
	T       *testing.T
}

// OpenBrowser starts a browser whose console is watched. It skips the test where the machine has none.
func OpenBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) Browser {
	t.Helper()
	var watched <-chan struct{}
	t.Cleanup(func() { // after the browser is closed
		if watched != nil {
			<-watched
		}
	})
	b := Browser{testbrowser.Start(t, more...), t}
	watched = b.watch()
	return b
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
