package pages

import (
	"testing"

	"github.com/chromedp/chromedp"

	"rowcall/cmd/e2e/rowcalltest"
)

// firstRow is the text of the first row that is visible in the box of patients.
const firstRow = `(() => {
	const box = document.querySelector('[data-scroll=patients]');
	if (!box) return '';
	const top = box.getBoundingClientRect().top + 60; // below the column heads
	return [...box.querySelectorAll('tbody tr[data-key]')].find((r) => r.getBoundingClientRect().top > top)?.cells[1].innerText ?? '';
})()`

// listsStory shows long lists. Only the visible rows are in the page, rows that come move nothing, and
// going back restores the scroll position.
func listsStory(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	tb := b.OpenTab(t)
	visit(s, tb, "alice", "patients")
	tb.ExpectText("4 patients")
	settle(tb)
	tb.Do(chromedp.Evaluate[chromedp.Void](`window.jumps = [];
		new PerformanceObserver((list) => { for (const e of list.getEntries()) jumps.push(e.value); }).observe({ type: 'layout-shift' }); 0`))
	s.Psql(t, `INSERT INTO patients (first_name, last_name, admission_date) SELECT 'Patient', 'Number ' || n, now() FROM generate_series(1, 500) n`)
	tb.ExpectText("504 patients")
	settle(tb)
	if moved := rowcalltest.Evaluate[float64](tb, `jumps.reduce((sum, value) => sum + value, 0)`); moved > 0.01 {
		t.Errorf("500 rows move the page by %.4f, want nothing", moved)
	}
	if rows := rowcalltest.Evaluate[int](tb, `document.querySelectorAll('tbody tr').length`); rows > 100 {
		t.Errorf("%d rows of 504 are in the page, want those that are visible", rows)
	}
	tb.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector('[data-scroll=patients]').scrollTop = 15000; 0`))
	rowcalltest.Eventually(t, func() bool { return rowcalltest.Evaluate[string](tb, firstRow) > "Number 2" }, "the rows further down are not rendered")
	settle(tb)
	before := rowcalltest.Evaluate[string](tb, firstRow)
	tb.Press("link", "Jobs")
	tb.ExpectElement("heading", "Jobs")
	tb.Do(chromedp.Evaluate[chromedp.Void](`history.back(); 0`))
	tb.ExpectElement("heading", "Patients")
	rowcalltest.Eventually(t, func() bool { return rowcalltest.Evaluate[string](tb, firstRow) == before }, "going back does not return to "+before)

	s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message, posted) SELECT 1, 1 + n % 2, 'line ' || n, now() - (3000 - n) * interval '1 second' FROM generate_series(1, 3000) n`)
	tb.Open(s.Pages + "chat/1")
	tb.ExpectText("line 3000")
	if lines := rowcalltest.Evaluate[int](tb, `document.querySelectorAll('[role=log] [data-key]').length`); lines > 200 {
		t.Errorf("%d messages of 3,000 are in the page, want those that are visible", lines)
	}
	s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 2, 'the last line')`)
	tb.ExpectText("the last line")
	tb.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector('[role=log]').scrollTop = 0; 0`))
	tb.ExpectText("Welcome! We start with chapter one.")
	s.Psql(t, `INSERT INTO chat_messages (room_id, sender_id, message) VALUES (1, 2, 'below')`)
	tb.Press("button", "One new message")
	tb.ExpectText("below")
	checkReload(t, tb)
}

// middleMessage is the id of the message in the middle of the room, 0 if none is rendered there.
const middleMessage = `(() => {
	const box = document.querySelector('[role=log]')?.getBoundingClientRect();
	return box ? Number(document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2)?.closest('[data-key]')?.dataset.key ?? 0) : 0;
})()`

// checkReload complains if a reload of a room shows other messages than before. The room is scrolled
// further down than a list of messages is long before their heights are known.
func checkReload(t *testing.T, tb *rowcalltest.Tab) {
	t.Helper()
	const far = `document.querySelector('[role=log]').scrollHeight - document.querySelector('[role=log]').clientHeight - 3000`
	tb.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector('[role=log]').scrollTop = ` + far + `; 0`))
	settle(tb)
	rowcalltest.Eventually(t, func() bool { return rowcalltest.Evaluate[int](tb, middleMessage) != 0 }, "the messages further down are not rendered")
	settle(tb)
	before, got := rowcalltest.Evaluate[int](tb, middleMessage), 0
	tb.Do(chromedp.Reload())
	defer func() { t.Logf("the room showed message %d, and after a reload %d", before, got) }()
	near := func() bool {
		got = rowcalltest.Evaluate[int](tb, middleMessage)
		return got >= before-3 && got <= before+3 // heights that were measured meanwhile move the messages a little
	}
	rowcalltest.Eventually(t, near, "a reload does not return to the same messages")
}

// sizesStory looks at pages in windows in which parts of them were covered or cut off.
func sizesStory(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	tb := b.OpenTab(t)
	tb.TakeCookie(s, s.Login(t, "alice"))
	for _, l := range []look{{"desktop", 1280, 800, "light"}, {"tablet", 1000, 800, "dark"}, {"phone", 390, 844, "light"}} {
		emulate(tb, l)
		tb.Open(s.Pages + "dams")
		tb.ExpectElement("button", "Zoom in")
		tb.ExpectElement("button", "Hoover Dam")
		if narrow := l.width < 900; rowcalltest.Evaluate[bool](tb, `document.querySelector('#places').checkVisibility()`) == narrow {
			t.Errorf("at %d pixels the navigation is hidden: %v, want %v", l.width, !narrow, narrow)
		}
		checkBox(t, s, tb, l)
		checkDamForm(t, tb, l)
	}
}

// checkBox complains if the box about a new dam covers the popup of a dam.
func checkBox(t *testing.T, s *rowcalltest.Server, tb *rowcalltest.Tab, l look) {
	t.Helper()
	tb.Do(chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll('[aria-label="Map of dams"] button')].find((b) => b.title === 'Hoover Dam').click(); 0`))
	tb.ExpectElement("dialog", "Hoover Dam")
	s.Psql(t, `INSERT INTO dams (name, latitude, longitude) VALUES ('Oroville', 39.5, -121.5)`)
	tb.ExpectText("A new dam has been added")
	const apart = `(() => {
		const [box, popup, map] = ['[aria-label="Dam notification"]', '[role=dialog]', '[aria-label="Map of dams"]'].map((s) => document.querySelector(s).getBoundingClientRect());
		return popup.bottom <= box.top && popup.top >= map.top;
	})()`
	rowcalltest.Eventually(t, func() bool { return rowcalltest.Evaluate[bool](tb, apart) }, "the box covers the popup, at "+l.name)
	photograph(tb, "dams-box-"+l.name)
	tb.Press("button", "Nevermind")
	tb.Press("button", "Close")
}

// checkDamForm complains if the form's button is not visible, or if the map that shows no region gives
// a new dam a position.
func checkDamForm(t *testing.T, tb *rowcalltest.Tab, l look) {
	t.Helper()
	for range 8 {
		tb.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector('[aria-label="Zoom out"]').click(); 0`))
		settle(tb)
	}
	tb.Press("button", "Add a dam")
	tb.ExpectElement("textbox", "Latitude")
	if got := rowcalltest.Evaluate[string](tb, `[...document.querySelectorAll('form input[inputmode=decimal]')].map((i) => i.value).join()`); got != "," {
		t.Errorf("at %s a new dam has the position %s, want none", l.name, got)
	}
	if got := rowcalltest.Evaluate[int](tb, `document.querySelectorAll('[aria-label="Map of dams"] .leaflet-marker-draggable').length`); got != 0 {
		t.Errorf("at %s the map has %d pins for a dam without a position, want 0", l.name, got)
	}
	const visible = `(() => { const { top, bottom } = ` + `[...document.querySelectorAll('button')].find((b) => b.innerText === 'Add dam').getBoundingClientRect(); return top >= 0 && bottom <= innerHeight; })()`
	if l.width > 900 && !rowcalltest.Evaluate[bool](tb, `(scrollTo(0, 0), `+visible+`)`) {
		t.Errorf("at %s the button of the form is cut off", l.name)
	}
	photograph(tb, "dams-form-"+l.name)
	tb.Press("button", "Cancel")
}
