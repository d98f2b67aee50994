package main

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// mapStory has the map: one adds a dam by a click, the other, who is not logged in, is told by a message box.
// Refresh is no page load.
func mapStory(t *testing.T, s *site, b browser) {
	alice, anybody := b.openTab(t), b.openTab(t)
	s.visit(alice, "alice", "dams")
	s.visit(anybody, "", "dams")
	anybody.finds("button", "Zoom in")
	anybody.sees("5 dams")
	anybody.do(chromedp.Evaluate[chromedp.Void](`window.marker = 'still here'; 0`))

	alice.finds("button", "Zoom in")
	alice.sees("5 dams")
	alice.settle()
	alice.do(chromedp.Evaluate[chromedp.Void](`window.scrollTo(0, 0); 0`))
	at := evaluate[[]float64](alice, `(() => { const r = document.querySelector('[aria-label="Map of dams"]').getBoundingClientRect(); return [r.x + r.width * 0.2, r.y + r.height * 0.4]; })()`)
	alice.do(chromedp.MouseClickXY(at[0], at[1]))
	alice.press("button", "Add a dam here")
	alice.write("textbox", "Name", "Mauvoisin")
	alice.press("button", "Add the dam")
	alice.sees("Mauvoisin is added")
	alice.sees("6 dams")
	alice.lacks("button", "Refresh")

	anybody.sees("A new dam has been added")
	anybody.photograph("dams-told")
	anybody.press("button", "Refresh")
	anybody.misses("A new dam has been added")
	anybody.finds("dialog", "Mauvoisin")
	anybody.rests("button", "Close")
	anybody.photograph("dams-refreshed")
	if got := evaluate[string](anybody, `window.marker ?? 'a new page'`); got != "still here" {
		t.Errorf("Refresh has loaded %s", got)
	}
	s.Psql(t, `INSERT INTO dams (name, latitude, longitude) VALUES ('Sihl', 47.1, 8.8); UPDATE dams SET river = 'Sihl' WHERE name = 'Sihl'`)
	anybody.sees("A new dam has been added")
	anybody.press("button", "Nevermind")
	anybody.misses("A new dam has been added")
	anybody.sees("7 dams")
	if where := s.Psql(t, `SELECT latitude BETWEEN 30 AND 45 AND longitude BETWEEN -125 AND -100 FROM dams WHERE name = 'Mauvoisin'`); where != "t" {
		t.Errorf("the dam is not where the map was pressed: %s", s.Psql(t, `SELECT latitude, longitude FROM dams WHERE name = 'Mauvoisin'`))
	}
}

// jobsPageStory has jobs that move: one that the page has started, by itself; one that psql moves.
func jobsPageStory(t *testing.T, s *site, b browser) {
	tb := b.openTab(t)
	s.visit(tb, "alice", "jobs")
	tb.finds("progressbar", "Progress of Sort the summer collection")
	s.Psql(t, `UPDATE job_postings SET state = 'sorting', progress = 77 WHERE title LIKE '%summer%'`)
	tb.sees("sorting 77 %")
	tb.write("textbox", "What is to be done", "Count the stars")
	tb.press("button", "Start a job")
	tb.finds("progressbar", "Progress of Count the stars")
	tb.sees("Count the stars running")
	tb.photograph("jobs-moving")
	tb.sees("Count the stars done 100 %")
	s.Psql(t, `DELETE FROM job_postings WHERE title = 'Count the stars'`)
}

// patientsPageStory has two people who edit one patient: rows change and light up under the one who looks, and
// the one who edits is told, and decides.
func patientsPageStory(t *testing.T, s *site, b browser) {
	alice, bob := b.openTab(t), b.openTab(t)
	s.visit(alice, "alice", "patients")
	s.visit(bob, "bob", "patients")
	alice.finds("button", "Edit Samuel Adeyemi")
	alice.do(chromedp.Evaluate[chromedp.Void](`window.lit = 0; document.addEventListener('animationstart', () => lit++, true); 0`))
	s.Psql(t, `UPDATE patients SET last_name = 'Sato' WHERE last_name = 'Tanaka'`)
	alice.finds("button", "Edit Mei Sato")
	eventually(t, func() bool { return evaluate[int](alice, `lit`) > 0 }, "what has changed does not light up")

	alice.press("button", "Edit Samuel Adeyemi")
	alice.write("textbox", "Last name", "Adewale")
	bob.press("button", "Edit Samuel Adeyemi")
	bob.write("textbox", "Last name", "Adeola")
	bob.press("button", "Save")
	bob.finds("button", "Edit Samuel Adeola")
	alice.sees("Somebody has changed this row while you were editing: Last name is now “Adeola”")
	alice.photograph("patients-told")
	alice.press("button", "Take theirs")
	alice.press("button", "Cancel")
	alice.finds("button", "Edit Samuel Adeola")

	s.Psql(t, `INSERT INTO patients (first_name, last_name) VALUES ('<i>Noor</i>', 'Haddad')`)
	alice.press("button", "Discharge <i>Noor</i> Haddad")
	bob.lacks("button", "Discharge <i>Noor</i> Haddad")
	bob.press("button", "Delete <i>Noor</i> Haddad")
	bob.press("button", "Delete")
	alice.lacks("button", "Edit <i>Noor</i> Haddad")
}
