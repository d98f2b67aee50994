package rowcalltest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"rowcall/testdeadline"
)

// awaits tries until done returns true. It ignores errors: a page that has just changed causes them.
func (tb *Tab) awaits(what string, done func(ctx context.Context, t *chromedp.Target) (bool, error)) {
	tb.T.Helper()
	var last error
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(testdeadline.Hang()); ; <-tick.C {
		ctx, cancel := context.WithDeadline(tb.Context, deadline)
		ok, err := chromedp.Run(ctx, chromedp.Action[bool](done))
		cancel()
		if ok && err == nil {
			return
		}
		if last = err; time.Now().After(deadline) {
			tb.T.Fatalf("%s: %v; the page shows\n%s", what, last, tb.text())
		}
	}
}

// Press clicks on the element with this role and name, as soon as that is possible.
func (tb *Tab) Press(role, name string) {
	tb.T.Helper()
	at := tb.AwaitStill(role, name)
	tb.Do(chromedp.MouseClickXY(at[0], at[1]))
}

// AwaitStill waits until the element with this role and name stands still where a click reaches it,
// and returns that place.
func (tb *Tab) AwaitStill(role, name string) (at []float64) {
	tb.T.Helper()
	e := element{role, name}
	tb.awaits(e.String()+" stands still", func(ctx context.Context, t *chromedp.Target) (bool, error) {
		before := at
		var err error
		at, err = e.spot(ctx, t)
		return len(at) == 2 && slices.Equal(at, before), err
	})
	return at
}

// ExpectElement waits until the page has an element with this role and name.
func (tb *Tab) ExpectElement(role, name string) {
	tb.T.Helper()
	tb.has(element{role, name}, true)
}

// ExpectNoElement waits until the page has no element with this role and name.
func (tb *Tab) ExpectNoElement(role, name string) {
	tb.T.Helper()
	tb.has(element{role, name}, false)
}

func (tb *Tab) has(e element, want bool) {
	tb.T.Helper()
	tb.awaits(fmt.Sprintf("there is %s: %v", e, want), func(ctx context.Context, t *chromedp.Target) (bool, error) {
		ids, err := e.all(ctx, t)
		return len(ids) > 0 == want, err
	})
}

// Fill replaces the text of a field.
func (tb *Tab) Fill(role, name, text string) {
	tb.T.Helper()
	tb.Press(role, name)
	tb.Do(
		chromedp.KeyEvent("a", chromedp.KeyModifiers(kb.ModifierCtrl)),
		chromedp.KeyEvent(kb.Delete),
		chromedp.KeyEvent(text),
	)
}

// text returns the text that the page shows; empty if the page does not answer within a second.
func (tb *Tab) text() string {
	ctx, cancel := context.WithTimeout(tb.Context, time.Second)
	defer cancel()
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	return text
}

// ExpectText waits until the page shows a text, blanks aside.
func (tb *Tab) ExpectText(text string) {
	tb.T.Helper()
	tb.until(true, text)
}

// ExpectNoText waits until the page does not show a text.
func (tb *Tab) ExpectNoText(text string) {
	tb.T.Helper()
	tb.until(false, text)
}

func (tb *Tab) until(shown bool, text string) {
	tb.T.Helper()
	quoted, _ := json.Marshal(text)
	script := fmt.Sprintf(`document.body.innerText.replace(/\s+/g, ' ').includes(%s)`, quoted)
	said := "the page never shows"
	if !shown {
		said = "the page still shows"
	}
	done := false
	defer func() {
		if !done {
			tb.T.Logf("it shows\n%s", tb.text())
		}
	}()
	Eventually(tb.T, func() bool { done = Evaluate[bool](tb, script) == shown; return done }, fmt.Sprintf("%s %q", said, text))
}

// CountText returns how often the page shows a text.
func (tb *Tab) CountText(text string) int {
	tb.T.Helper()
	return strings.Count(Evaluate[string](tb, `document.body.innerText`), text)
}
