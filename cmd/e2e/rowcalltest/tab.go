package rowcalltest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"rowcall/testdeadline"
)

// Tab is a tab that shares no cookies with other tabs.
type Tab struct {
	Browser

	mu      sync.Mutex // guards the fields below
	sockets int        // number of sockets that the server has accepted
	frames  []string   // text frames that the sockets have received
	console []string
	allowed []*regexp.Regexp // errors in the console that do not fail the test
}

// OpenTab opens a tab. It fails the test for each error and warning in the console that is not
// allowed.
func (b Browser) OpenTab(t *testing.T) *Tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(b.Context, chromedp.WithNewBrowserContext())
	tb := &Tab{Browser: Browser{ctx, t}}
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
		// chromedp waits five seconds for the answer. A tab that needs longer is closed with the browser.
		if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close a tab: %v", err)
		}
		closeTab()
		<-read
	})
	return tb
}

// hear counts the page's sockets and keeps their frames.
func (tb *Tab) hear(event any) {
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

// note keeps a line of the console, and fails the test if it is an error that is not allowed.
func (tb *Tab) note(m chromedp.ConsoleMessage) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.console = append(tb.console, m.String())
	bad := m.IsException() || m.Source == "security" || m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleWarning
	expected := func(known *regexp.Regexp) bool { return known.MatchString(m.String()) }
	if bad && !slices.ContainsFunc(tb.allowed, expected) {
		tb.T.Errorf("the browser's console: %s (%s)", m, m.URL)
	}
}

// AllowConsole allows errors in the console that match one of the expressions, from now on.
func (tb *Tab) AllowConsole(lines ...string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	for _, line := range lines {
		tb.allowed = append(tb.allowed, regexp.MustCompile(line))
	}
}

// AllowCuts allows what a browser writes for a server that ends while the page is open: for a socket
// an error, or a warning where the library of the page gives an attempt up before it is answered, and
// an error for each request that is cut or not taken. A page sends requests at any moment, for instance
// to load other pages ahead.
func (tb *Tab) AllowCuts() {
	tb.AllowConsole(
		`^(error|warning): WebSocket connection to .* failed`,
		`^error: Failed to load resource: net::ERR_(CONNECTION_(REFUSED|RESET|CLOSED|ABORTED)|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|SOCKET_NOT_CONNECTED)`,
	)
}

// CountSockets returns how many sockets of the page the server has accepted so far.
func (tb *Tab) CountSockets() int {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return tb.sockets
}

// ExpectSockets waits until the page has opened so many sockets.
func (tb *Tab) ExpectSockets(sockets int) {
	tb.T.Helper()
	Eventually(tb.T, func() bool { return tb.CountSockets() >= sockets }, fmt.Sprintf("the page has not opened %d sockets", sockets))
}

// ExpectFrames waits until the page's sockets have received as many frames, which must be these.
func (tb *Tab) ExpectFrames(want ...string) {
	tb.T.Helper()
	Eventually(tb.T, func() bool { return len(tb.Frames()) >= len(want) }, fmt.Sprintf("the page's sockets have not received %q", want))
	if got := tb.Frames(); !slices.Equal(got, want) {
		tb.T.Errorf("the page's sockets have received %q, want %q", got, want)
	}
}

// Frames returns the frames that the page's sockets have received.
func (tb *Tab) Frames() []string {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return slices.Clone(tb.frames)
}

// ExpectConsole waits for a line in the console.
func (tb *Tab) ExpectConsole(line string) {
	tb.T.Helper()
	told := func() []string {
		tb.mu.Lock()
		defer tb.mu.Unlock()
		return slices.Clone(tb.console)
	}
	defer func() {
		if !slices.Contains(told(), line) {
			tb.T.Logf("the console has %q", told())
		}
	}()
	Eventually(tb.T, func() bool { return slices.Contains(told(), line) }, "the console never has "+line)
}

// Open opens a page.
func (tb *Tab) Open(address string) {
	tb.T.Helper()
	tb.Do(chromedp.Navigate(address))
}

// ExpectTextOf waits until the text of an element, blanks aside, is this.
func (tb *Tab) ExpectTextOf(selector, text string) {
	tb.T.Helper()
	script, got := fmt.Sprintf(`document.querySelector(%q)?.innerText.trim().replace(/\s+/g, ' ') ?? ''`, selector), ""
	defer func() {
		if got != text {
			tb.T.Logf("%s shows %q", selector, got)
		}
	}()
	Eventually(tb.T, func() bool { got = Evaluate[string](tb, script); return got == text }, fmt.Sprintf("%s never shows %q", selector, text))
}

// Evaluate returns the value of a script in the page, or of the promise that the script returns.
func Evaluate[T any](tb *Tab, script string) T {
	tb.T.Helper()
	ctx, cancel := context.WithTimeout(tb.Context, testdeadline.Hang())
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		tb.T.Fatalf("run %s in the page: %v", script, err)
	}
	return value
}

// Login logs an account in from the page that is open, at a node's address. The cookie is valid for
// that host.
func (tb *Tab) Login(node, name string) {
	tb.T.Helper()
	script := fmt.Sprintf(`fetch(%q, {method: 'POST', credentials: 'include', headers: {'Content-Type': 'application/json'},
		body: JSON.stringify({username: %q, password: %q})}).then((answer) => answer.status)`, node+"api/login", name, name)
	if got := Evaluate[int](tb, script); got != 200 {
		tb.T.Fatalf("%s logs in: %d", name, got)
	}
}

// TakeCookie gives the tab the cookie of a login.
func (tb *Tab) TakeCookie(s *Server, who *HTTPUser) {
	tb.T.Helper()
	name, value, _ := strings.Cut(who.Cookie, "=")
	yes := true
	cookie := network.SetCookieParams{Name: name, Value: value, URL: s.Pages, HTTPOnly: &yes, SameSite: network.CookieSameSiteLax}
	if _, err := chromedp.Call(tb.Context, network.SetCookie, cookie); err != nil {
		tb.T.Fatalf("take a cookie: %v", err)
	}
}
