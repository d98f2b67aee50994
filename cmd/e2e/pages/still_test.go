package pages

import (
	"testing"

	"github.com/chromedp/chromedp"

	"rowcall/cmd/e2e/rowcalltest"
)

// change is a statement for psql, and the text that the page then shows.
type change struct {
	page, ready, sql, shown string
	most                    float64 // the page may move so much; a new row makes room for itself
}

func changes() []change {
	return []change{
		{"patients", "Varga", `UPDATE patients SET first_name = 'Tom', dismissal_date = NULL WHERE last_name = 'Varga'`, "Tom Varga", 0},
		{"dams", "5 dams", `UPDATE dams SET owner = 'Nobody' WHERE name = 'Little Dell Dam'`, "Dell Creek · Nobody", 0},
		{"jobs", "winter", `UPDATE job_postings SET state = 'running', progress = 55 WHERE title LIKE '%winter%'`, "running 55 %", 0},
		{"", "Patients 4", `DELETE FROM patients WHERE last_name = 'Varga'`, "Patients 3", 0},
		{"chat/1", "Reading it", `INSERT INTO chat_messages (room_id, sender_id, message) SELECT 1, 2, 'line ' || n FROM generate_series(1, 5) n`, "line 5", 0.05},
		{"dams", "5 dams", `INSERT INTO dams (name, latitude, longitude) VALUES ('Grimsel', 46.5, 8.3)`, "A new dam has been added", 0.05},
	}
}

// stillStory changes rows while pages show them: no element on the page moves.
func stillStory(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	tb := b.OpenTab(t)
	tb.TakeCookie(s, s.Login(t, "alice"))
	for _, c := range changes() {
		tb.Open(s.Pages + c.page)
		tb.ExpectText(c.ready)
		tb.ExpectText("Live")
		settle(tb)
		tb.Do(chromedp.Evaluate[chromedp.Void](`window.jumps = [];
			new PerformanceObserver((list) => { for (const e of list.getEntries()) jumps.push([e.value, ...e.sources.map((s) => s.node?.className ?? s.node?.nodeName)]); })
				.observe({ type: 'layout-shift' }); 0`))
		s.Psql(t, c.sql)
		tb.ExpectText(c.shown)
		rowcalltest.Evaluate[bool](tb, `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(() => done(true)))))`)
		if sum := rowcalltest.Evaluate[float64](tb, `jumps.reduce((sum, [value]) => sum + value, 0)`); sum > c.most+0.001 {
			t.Errorf("/%s jumps by %.4f: %s", c.page, sum, rowcalltest.Evaluate[string](tb, `JSON.stringify(jumps)`))
		}
	}
}
