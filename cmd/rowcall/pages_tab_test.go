package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// awaits tries until done says yes. Errors are what a page causes that has just changed.
func (tb *tab) awaits(what string, done func(ctx context.Context, t *chromedp.Target) (bool, error)) {
	tb.t.Helper()
	var last error
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		ctx, cancel := context.WithDeadline(tb.ctx, deadline)
		ok, err := chromedp.Run(ctx, chromedp.Action[bool](done))
		cancel()
		if ok && err == nil {
			return
		}
		if last = err; time.Now().After(deadline) {
			tb.t.Fatalf("%s: %v; the page shows\n%s", what, last, tb.text())
		}
	}
}

// press clicks on what has this role and name, as soon as it can be clicked on.
func (tb *tab) press(role, name string) {
	tb.t.Helper()
	at := tb.rests(role, name)
	tb.do(chromedp.MouseClickXY(at[0], at[1]))
}

// rests waits until what has this role and name stands still where it can be clicked on.
func (tb *tab) rests(role, name string) (at []float64) {
	tb.t.Helper()
	th := thing{role, name}
	tb.awaits(th.String()+" stands still", func(ctx context.Context, t *chromedp.Target) (bool, error) {
		before := at
		var err error
		at, err = th.spot(ctx, t)
		return len(at) == 2 && slices.Equal(at, before), err
	})
	return at
}

// finds waits until there is something with this role and name.
func (tb *tab) finds(role, name string) {
	tb.t.Helper()
	tb.has(thing{role, name}, true)
}

// lacks waits until there is nothing with this role and name.
func (tb *tab) lacks(role, name string) {
	tb.t.Helper()
	tb.has(thing{role, name}, false)
}

func (tb *tab) has(th thing, want bool) {
	tb.t.Helper()
	tb.awaits(fmt.Sprintf("there is %s: %v", th, want), func(ctx context.Context, t *chromedp.Target) (bool, error) {
		ids, err := th.all(ctx, t)
		return len(ids) > 0 == want, err
	})
}

// write replaces what a field holds.
func (tb *tab) write(role, name, text string) {
	tb.t.Helper()
	tb.press(role, name)
	tb.do(
		chromedp.KeyEvent("a", chromedp.KeyModifiers(kb.ModifierCtrl)),
		chromedp.KeyEvent(kb.Delete),
		chromedp.KeyEvent(text),
	)
}

// text is what the page shows.
func (tb *tab) text() string {
	ctx, cancel := context.WithTimeout(tb.ctx, time.Second)
	defer cancel()
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	return text
}

// sees waits until the page shows a text, blanks aside.
func (tb *tab) sees(text string) {
	tb.t.Helper()
	tb.until(true, text)
}

// misses waits until the page does not show a text.
func (tb *tab) misses(text string) {
	tb.t.Helper()
	tb.until(false, text)
}

func (tb *tab) until(shown bool, text string) {
	tb.t.Helper()
	quoted, _ := json.Marshal(text)
	script := fmt.Sprintf(`document.body.innerText.replace(/\s+/g, ' ').includes(%s)`, quoted)
	said := "the page never shows"
	if !shown {
		said = "the page does not cease to show"
	}
	done := false
	defer func() {
		if !done {
			tb.t.Logf("it shows\n%s", tb.text())
		}
	}()
	eventually(tb.t, func() bool { done = evaluate[bool](tb, script) == shown; return done }, fmt.Sprintf("%s %q", said, text))
}

// count is how often the page shows a text.
func (tb *tab) count(text string) int { return strings.Count(tb.text(), text) }

// visit opens a page for somebody who is logged in already, or for nobody.
func (s *site) visit(tb *tab, who, page string) {
	tb.t.Helper()
	if who != "" {
		tb.take(s, s.login(tb.t, who))
	}
	tb.open(s.pages + page)
}

// take gives the tab the cookie of a login.
func (tb *tab) take(s *site, who *person) {
	tb.t.Helper()
	name, value, _ := strings.Cut(who.cookie, "=")
	yes := true
	cookie := network.SetCookieParams{Name: name, Value: value, URL: s.pages, HTTPOnly: &yes, SameSite: network.CookieSameSiteLax}
	if _, err := chromedp.Call(tb.ctx, network.SetCookie, cookie); err != nil {
		tb.t.Fatalf("take a cookie: %v", err)
	}
}
