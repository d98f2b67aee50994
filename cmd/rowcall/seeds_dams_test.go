package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// damsStory has Tethys's page at both addresses: its message box comes once for each dam that is added, to
// everybody, and for nothing else; Nevermind closes it, Refresh loads the page again.
func damsStory(t *testing.T, pages frontends, b browser) {
	s := openForPages(t, nil)
	front := pages.elsewhere(t, s.pages)
	tabs := []*tab{b.openTab(t), b.openTab(t)}
	for i, page := range []string{"dams/home.html", "apps/dams/home.html"} {
		tabs[i].open(front + page)
		tabs[i].connects(1)
		tabs[i].do(chromedp.Evaluate[chromedp.Void](`window.loaded = 'once'; window.boxes = window.gone = 0;
			$('#notification').on('shown.bs.modal', () => boxes++).on('hidden.bs.modal', () => gone++); 0`))
	}
	newDam := golden(t, "dams-new-dam")
	for n, name := range []string{"Mauvoisin", "Sihl"} {
		s.Psql(t, fmt.Sprintf(`
			BEGIN; INSERT INTO dams (name) VALUES ('never built'); ROLLBACK;
			UPDATE dams SET owner = 'The county', name = name || '!';
			INSERT INTO hydrographs (dam_id) VALUES (1);
			DELETE FROM dams WHERE id = %d;
			INSERT INTO dams (name) VALUES ('%s')`, n+2, name))
		for _, tb := range tabs {
			tb.nevermind(n + 1)
			tb.heard([]string{newDam, newDam}[:n+1]...)
		}
	}

	s.Psql(t, `INSERT INTO dams (name) VALUES ('Emosson')`)
	tabs[0].refresh(3)
	tabs[0].connects(2)
	for _, tb := range tabs { // these sockets bring no cursor: what a restart cuts off does not come later
		tb.heard(newDam, newDam, newDam)
	}

	// The page has nothing that brings its socket back: after a restart it has to be loaded again.
	s = s.restart(t)
	for _, tb := range tabs {
		sockets := tb.answered()
		tb.do(chromedp.Reload())
		tb.connects(sockets + 1)
	}
	s.Psql(t, `INSERT INTO dams (name) VALUES ('Grimsel')`)
	for _, tb := range tabs {
		tb.do(chromedp.WaitVisible(chromedp.CSS("#notification.in")))
		tb.heard(newDam, newDam, newDam, newDam)
	}
}

// boxed waits until the message box has come so often, and rests.
func (tb *tab) boxed(times int) {
	tb.t.Helper()
	eventually(tb.t, func() bool { return evaluate[int](tb, `boxes`) >= times }, fmt.Sprintf("the box has not come %d times", times))
	tb.shows("#notification", "Dam Notification A new dam has been added. Refresh this page to load it. Nevermind Refresh")
	if got := evaluate[int](tb, `boxes`); got != times {
		tb.t.Errorf("the box came %d times after %d dams", got, times)
	}
}

// nevermind closes the message box, and waits until Bootstrap has forgotten it: sooner, it does not show the next.
func (tb *tab) nevermind(times int) {
	tb.t.Helper()
	tb.boxed(times)
	tb.do(chromedp.Click(chromedp.CSS("#notification .btn-default")))
	eventually(tb.t, func() bool { return evaluate[int](tb, `gone`) == times }, "Nevermind does not close the box")
}

// refresh loads the page again, as the message box proposes.
func (tb *tab) refresh(times int) {
	tb.t.Helper()
	tb.boxed(times)
	tb.do(chromedp.Click(chromedp.CSS("#notification a")))
	eventually(tb.t, func() bool { return evaluate[string](tb, `document.readyState + window.loaded`) == "completeundefined" }, "Refresh does not load the page")
}
