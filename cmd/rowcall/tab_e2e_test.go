package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// tab is a window of a person's own: no other tab has its cookies.
type tab struct {
	browser

	mu       sync.Mutex // guards what is below
	sockets  int        // how many sockets were answered
	frames   []string   // what they heard
	console  []string
	forgiven []*regexp.Regexp
}

// openTab opens a window, and complains of what its console is told. The browser has to be running.
func (b browser) openTab(t *testing.T) *tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	tb := &tab{browser: browser{ctx, t}}
	if err := chromedp.Listen(ctx, tb.hear); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	messages, read := chromedp.Console(ctx), make(chan struct{})
	go func() {
		defer close(read)
		for m, err := range messages {
			if err == nil {
				tb.note(m)
			}
		}
	}()
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("close a tab: %v", err)
		}
		closeTab()
		<-read
	})
	return tb
}

// hear keeps what the page's sockets are told.
func (tb *tab) hear(event any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	switch e := event.(type) {
	case *network.EventWebSocketHandshakeResponseReceived:
		tb.sockets++
	case *network.EventWebSocketFrameReceived:
		if e.Response.Opcode == 1 {
			tb.frames = append(tb.frames, string(e.Response.PayloadData))
		}
	}
}

// note keeps what the console is told, and complains unless that was to be expected.
func (tb *tab) note(m chromedp.ConsoleMessage) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.console = append(tb.console, m.String())
	bad := m.IsException() || m.Source == "security" || m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleWarning
	expected := func(known *regexp.Regexp) bool { return known.MatchString(m.String()) }
	if bad && !slices.ContainsFunc(tb.forgiven, expected) {
		tb.t.Errorf("the browser's console: %s (%s)", m, m.URL)
	}
}

// forgive expects such lines in the console from now on.
func (tb *tab) forgive(lines ...string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	for _, line := range lines {
		tb.forgiven = append(tb.forgiven, regexp.MustCompile(line))
	}
}

// forgiveCuts expects sockets that find no server: browsers say so themselves.
func (tb *tab) forgiveCuts() { tb.forgive(`^error: WebSocket connection to .* failed`) }

func (tb *tab) answered() int {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return tb.sockets
}

// connects waits until the page has opened so many sockets.
func (tb *tab) connects(sockets int) {
	tb.t.Helper()
	eventually(tb.t, func() bool { return tb.answered() >= sockets }, fmt.Sprintf("the page has not opened %d sockets", sockets))
}

// heard wants the page's sockets to have heard these frames, and no others.
func (tb *tab) heard(want ...string) {
	tb.t.Helper()
	eventually(tb.t, func() bool { return len(tb.everything()) >= len(want) }, fmt.Sprintf("the page's sockets have not heard %q", want))
	if got := tb.everything(); !slices.Equal(got, want) {
		tb.t.Errorf("the page's sockets have heard %q, want %q", got, want)
	}
}

// everything is what the page's sockets have heard.
func (tb *tab) everything() []string {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return slices.Clone(tb.frames)
}

// logged waits until the console was told a line.
func (tb *tab) logged(line string) {
	tb.t.Helper()
	told := func() []string {
		tb.mu.Lock()
		defer tb.mu.Unlock()
		return slices.Clone(tb.console)
	}
	defer func() {
		if !slices.Contains(told(), line) {
			tb.t.Logf("the console was told %q", told())
		}
	}()
	eventually(tb.t, func() bool { return slices.Contains(told(), line) }, "the console was never told "+line)
}

// open opens a page.
func (tb *tab) open(address string) {
	tb.t.Helper()
	tb.do(chromedp.Navigate(address))
}

// shows waits until an element's text, blanks aside, is this.
func (tb *tab) shows(selector, text string) {
	tb.t.Helper()
	script, got := fmt.Sprintf(`document.querySelector(%q)?.innerText.trim().replace(/\s+/g, ' ') ?? ''`, selector), ""
	defer func() {
		if got != text {
			tb.t.Logf("%s shows %q", selector, got)
		}
	}()
	eventually(tb.t, func() bool { got = evaluate[string](tb, script); return got == text }, fmt.Sprintf("%s never shows %q", selector, text))
}

// evaluate is the value of a script in the page, or of the promise it gives.
func evaluate[T any](tb *tab, script string) T {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		tb.t.Fatalf("run %s in the page: %v", script, err)
	}
	return value
}

// login logs somebody in from the page that is open, at a node's address: the cookie is good for its host.
func (tb *tab) login(node, name string) {
	tb.t.Helper()
	script := fmt.Sprintf(`fetch(%q, {method: 'POST', credentials: 'include', headers: {'Content-Type': 'application/json'},
		body: JSON.stringify({username: %q, password: %q})}).then((answer) => answer.status)`, node+"api/login", name, name)
	if got := evaluate[int](tb, script); got != 200 {
		tb.t.Fatalf("%s logs in: %d", name, got)
	}
}
