package pages

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"rowcall/cmd/e2e/rowcalltest"
)

// outageStory opens pages while the server is away. A page that was loaded ahead is shown; a page that
// was not opens when the server is back. Actions that need the server are disabled meanwhile.
func outageStory(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	ahead, never := b.OpenTab(t), b.OpenTab(t)
	runOnNewPages(never, `window.requestIdleCallback = () => 0`) // the browser is never idle
	for _, tb := range []*rowcalltest.Tab{ahead, never} {
		tb.AllowCuts()
		visit(s, tb, "alice", "")
		tb.ExpectText("Live")
		tb.Do(chromedp.Evaluate[chromedp.Void](`window.marker = 'still here'; 0`))
	}
	// Pages are loaded one after the other: if the page of jobs is being loaded, the page of patients is complete.
	rowcalltest.Eventually(t, func() bool {
		return rowcalltest.Evaluate[bool](ahead, `performance.getEntriesByType('resource').some((e) => /jobs-/.test(e.name))`)
	}, "the page of patients is not loaded ahead")

	s.Program.End(t)
	ahead.ExpectText("The server cannot be reached.")
	ahead.Press("link", "Patients")
	ahead.ExpectElement("heading", "Patients")
	if !rowcalltest.Evaluate[bool](ahead, buttonNamed("Admit a patient")+`.disabled`) {
		t.Error("a patient can be admitted while the server is away")
	}
	never.ExpectText("The server cannot be reached.")
	never.Press("link", "Patients")
	never.ExpectText("It opens as soon as the connection is back.")
	photograph(never, "outage")

	s.StartAnother(t)
	for _, tb := range []*rowcalltest.Tab{ahead, never} {
		tb.ExpectElement("button", "Edit Ana Ek")
		tb.ExpectNoText("The server cannot be reached.")
		rowcalltest.Eventually(t, func() bool { return !rowcalltest.Evaluate[bool](tb, buttonNamed("Admit a patient")+`.disabled`) }, "a patient cannot be admitted after the outage")
		if got := rowcalltest.Evaluate[string](tb, `window.marker ?? 'a new page'`); got != "still here" {
			t.Errorf("the page is %s, want still here", got)
		}
	}
}

// cutLoadStory opens a page while its files cannot be had, as if the server had stopped after the page
// itself. The page says so, and opens when the files are there.
func cutLoadStory(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	tb := b.OpenTab(t)
	tb.AllowConsole(`^error: Failed to load resource: net::ERR_BLOCKED_BY_CLIENT`)
	block := func(files ...string) {
		t.Helper()
		var blocked network.SetBlockedURLsParams
		for _, file := range files {
			blocked.URLPatterns = append(blocked.URLPatterns, &network.BlockPattern{URLPattern: "*://*:*" + file, Block: true})
		}
		if _, err := chromedp.Call(tb.Context, network.SetBlockedURLs, blocked); err != nil {
			t.Fatal(err)
		}
	}
	block("/assets/*", "/theme.js", "/healthz")
	tb.Open(s.Pages + "dams")
	tb.ExpectText("The page opens as soon as the connection is back.")
	block()
	tb.ExpectElement("heading", "Dams")
}

// buttonNamed is an expression for the button with a text.
func buttonNamed(text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('button')].find((b) => b.innerText === %q)`, text)
}

// runOnNewPages runs a script on each page that the tab opens, before the page's own scripts.
func runOnNewPages(tb *rowcalltest.Tab, script string) {
	tb.T.Helper()
	if _, err := chromedp.Call(tb.Context, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
		tb.T.Fatal(err)
	}
}
