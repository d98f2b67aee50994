package sites

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"rowcall/cmd/e2e/rowcalltest"
)

// damsStory uses the seed's page at both addresses. Its message box appears once for each new dam,
// for every user, and for no other change. Its button Nevermind closes it; Refresh loads the page
// again.
func damsStory(t *testing.T, pages frontends, b rowcalltest.Browser) {
	s := openForPages(t, nil)
	front := pages.elsewhere(t, s.Pages)
	tabs := []*rowcalltest.Tab{b.OpenTab(t), b.OpenTab(t)}
	for i, page := range []string{"dams/home.html", "apps/dams/home.html"} {
		tabs[i].Open(front + page)
		tabs[i].ExpectSockets(1)
		tabs[i].Do(chromedp.Evaluate[chromedp.Void](`window.loaded = 'once'; window.boxes = window.gone = 0;
			$('#notification').on('shown.bs.modal', () => boxes++).on('hidden.bs.modal', () => gone++); 0`))
	}
	newDam := rowcalltest.GoldenFrame(t, "dams-new-dam")
	for n, name := range []string{"Mauvoisin", "Sihl"} {
		s.Psql(t, fmt.Sprintf(`
			BEGIN; INSERT INTO dams (name) VALUES ('never built'); ROLLBACK;
			UPDATE dams SET owner = 'The county', name = name || '!';
			INSERT INTO hydrographs (dam_id) VALUES (1);
			DELETE FROM dams WHERE id = %d;
			INSERT INTO dams (name) VALUES ('%s')`, n+2, name))
		for _, tb := range tabs {
			pressNevermind(tb, n+1)
			tb.ExpectFrames([]string{newDam, newDam}[:n+1]...)
		}
	}

	s.Psql(t, `INSERT INTO dams (name) VALUES ('Emosson')`)
	pressRefresh(tabs[0], 3)
	tabs[0].ExpectSockets(2)
	for _, tb := range tabs { // these sockets bring no cursor: what a restart cuts off does not come later
		tb.ExpectFrames(newDam, newDam, newDam)
	}

	// The page does not connect again by itself: after a restart it must be loaded again.
	s = restart(t, s)
	for _, tb := range tabs {
		sockets := tb.CountSockets()
		tb.Do(chromedp.Reload())
		tb.ExpectSockets(sockets + 1)
	}
	s.Psql(t, `INSERT INTO dams (name) VALUES ('Grimsel')`)
	for _, tb := range tabs {
		tb.Do(chromedp.WaitVisible(chromedp.CSS("#notification.in")))
		tb.ExpectFrames(newDam, newDam, newDam, newDam)
	}
}

// expectBoxes waits until the message box has appeared so often and stands still.
func expectBoxes(tb *rowcalltest.Tab, times int) {
	tb.T.Helper()
	rowcalltest.Eventually(tb.T, func() bool { return rowcalltest.Evaluate[int](tb, `boxes`) >= times }, fmt.Sprintf("the box has not come %d times", times))
	tb.ExpectTextOf("#notification", "Dam Notification A new dam has been added. Refresh this page to load it. Nevermind Refresh")
	if got := rowcalltest.Evaluate[int](tb, `boxes`); got != times {
		tb.T.Errorf("the box came %d times after %d dams", got, times)
	}
}

// pressNevermind closes the message box and waits until Bootstrap has removed it. Before that,
// Bootstrap would not show the next one.
func pressNevermind(tb *rowcalltest.Tab, times int) {
	tb.T.Helper()
	expectBoxes(tb, times)
	tb.Do(chromedp.Click(chromedp.CSS("#notification .btn-default")))
	rowcalltest.Eventually(tb.T, func() bool { return rowcalltest.Evaluate[int](tb, `gone`) == times }, "Nevermind does not close the box")
}

// pressRefresh loads the page again with the button of the message box.
func pressRefresh(tb *rowcalltest.Tab, times int) {
	tb.T.Helper()
	expectBoxes(tb, times)
	tb.Do(chromedp.Click(chromedp.CSS("#notification a")))
	rowcalltest.Eventually(tb.T, func() bool {
		return rowcalltest.Evaluate[string](tb, `document.readyState + window.loaded`) == "completeundefined"
	}, "Refresh does not load the page")
}
