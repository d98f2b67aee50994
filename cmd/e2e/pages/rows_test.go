package pages

import (
	"testing"

	"github.com/chromedp/chromedp"

	"rowcall/cmd/e2e/rowcalltest"
)

// mapStory adds a dam by a click on the map. Another, anonymous page shows a message box. Its
// button Refresh causes no page load.
func mapStory(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	alice, anybody := b.OpenTab(t), b.OpenTab(t)
	visit(s, alice, "alice", "dams")
	visit(s, anybody, "", "dams")
	anybody.ExpectElement("button", "Zoom in")
	anybody.ExpectText("5 dams")
	anybody.Do(chromedp.Evaluate[chromedp.Void](`window.marker = 'still here'; 0`))

	alice.ExpectElement("button", "Zoom in")
	alice.ExpectText("5 dams")
	settle(alice)
	alice.Do(chromedp.Evaluate[chromedp.Void](`window.scrollTo(0, 0); 0`))
	at := rowcalltest.Evaluate[[]float64](alice, `(() => { const r = document.querySelector('[aria-label="Map of dams"]').getBoundingClientRect(); return [r.x + r.width * 0.2, r.y + r.height * 0.4]; })()`)
	alice.Do(chromedp.MouseClickXY(at[0], at[1]))
	alice.Press("button", "Add a dam here")
	alice.Fill("textbox", "Name", "Mauvoisin")
	alice.Press("button", "Add dam")
	alice.ExpectText("Mauvoisin is added")
	alice.ExpectText("6 dams")
	alice.ExpectNoElement("button", "Refresh")

	anybody.ExpectText("A new dam has been added")
	photograph(anybody, "dams-told")
	anybody.Press("button", "Refresh")
	anybody.ExpectNoText("A new dam has been added")
	anybody.ExpectElement("dialog", "Mauvoisin")
	anybody.AwaitStill("button", "Close")
	photograph(anybody, "dams-refreshed")
	if got := rowcalltest.Evaluate[string](anybody, `window.marker ?? 'a new page'`); got != "still here" {
		t.Errorf("Refresh has loaded %s", got)
	}
	s.Psql(t, `INSERT INTO dams (name, latitude, longitude) VALUES ('Sihl', 47.1, 8.8); UPDATE dams SET river = 'Sihl' WHERE name = 'Sihl'`)
	anybody.ExpectText("A new dam has been added")
	anybody.Press("button", "Nevermind")
	anybody.ExpectNoText("A new dam has been added")
	anybody.ExpectText("7 dams")
	if where := s.Psql(t, `SELECT latitude BETWEEN 30 AND 45 AND longitude BETWEEN -125 AND -100 FROM dams WHERE name = 'Mauvoisin'`); where != "t" {
		t.Errorf("the dam is not where the map was pressed: %s", s.Psql(t, `SELECT latitude, longitude FROM dams WHERE name = 'Mauvoisin'`))
	}
}

// jobsPageStory follows two jobs: one that the page has started, and one that psql changes.
func jobsPageStory(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	tb := b.OpenTab(t)
	visit(s, tb, "alice", "jobs")
	tb.ExpectElement("progressbar", "Progress of Sort the summer collection")
	s.Psql(t, `UPDATE job_postings SET state = 'sorting', progress = 77 WHERE title LIKE '%summer%'`)
	tb.ExpectText("sorting 77 %")
	tb.Fill("textbox", "Title", "Count the stars")
	tb.Press("button", "Start a job")
	tb.ExpectElement("progressbar", "Progress of Count the stars")
	tb.ExpectText("Count the stars running")
	photograph(tb, "jobs-moving")
	tb.ExpectText("Count the stars done 100 %")
	s.Psql(t, `DELETE FROM job_postings WHERE title = 'Count the stars'`)
}

// patientsPageStory has two users who edit one patient. Changed rows light up for the user who
// looks. The user who edits is told of the change and decides.
func patientsPageStory(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	alice, bob := b.OpenTab(t), b.OpenTab(t)
	visit(s, alice, "alice", "patients")
	visit(s, bob, "bob", "patients")
	alice.ExpectElement("button", "Edit Samuel Adeyemi")
	alice.Do(chromedp.Evaluate[chromedp.Void](`window.lit = 0; document.addEventListener('animationstart', () => lit++, true); 0`))
	s.Psql(t, `UPDATE patients SET last_name = 'Sato' WHERE last_name = 'Tanaka'`)
	alice.ExpectElement("button", "Edit Mei Sato")
	rowcalltest.Eventually(t, func() bool { return rowcalltest.Evaluate[int](alice, `lit`) > 0 }, "what has changed does not light up")

	alice.Press("button", "Edit Samuel Adeyemi")
	alice.Fill("textbox", "Last name", "Adewale")
	bob.Press("button", "Edit Samuel Adeyemi")
	bob.Fill("textbox", "Last name", "Adeola")
	bob.Press("button", "Save")
	bob.ExpectElement("button", "Edit Samuel Adeola")
	alice.ExpectText("This row was changed while you were editing: Last name is now “Adeola”")
	photograph(alice, "patients-told")
	alice.Press("button", "Take theirs")
	alice.Press("button", "Cancel")
	alice.ExpectElement("button", "Edit Samuel Adeola")

	s.Psql(t, `INSERT INTO patients (first_name, last_name, admission_date) VALUES ('<i>Noor</i>', 'Haddad', now())`)
	alice.Press("button", "Discharge <i>Noor</i> Haddad")
	bob.ExpectNoElement("button", "Discharge <i>Noor</i> Haddad")
	bob.Press("button", "Delete <i>Noor</i> Haddad")
	bob.Press("button", "Delete")
	alice.ExpectNoElement("button", "Edit <i>Noor</i> Haddad")
}
