package sites

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"rowcall/cmd/e2e/rowcalltest"
)

// patientsStory uses a page with dcrf-client. It lists patients, takes the steps of the package's
// README, and follows all changes of patients. One subscription survives a restart.
func patientsStory(t *testing.T, pages frontends, b rowcalltest.Browser) {
	s := openForPages(t, nil)
	front := pages.elsewhere(t, s.Pages)
	alice, nobody := b.OpenTab(t), b.OpenTab(t)
	for _, tb := range []*rowcalltest.Tab{alice, nobody} {
		tb.AllowCuts()
		tb.Open(front + "blank")
	}
	alice.Login(s.Pages, "alice")
	for _, tb := range []*rowcalltest.Tab{alice, nobody} {
		tb.Open(front + "patients/index.html")
		tb.ExpectSockets(1)
	}
	alice.ExpectTextOf("#patients", "Ana Ek Tomas Varga Mei Tanaka Samuel Adeyemi")
	nobody.ExpectTextOf("#told", "403 You do not have permission to perform this action.")

	alice.Do(chromedp.Click(chromedp.CSS("#readme")))
	for i, told := range []string{"Created: Alex Kim", "Retrieved: Alex Kim", "Overwrote: Johannes Street", "Changed: Jefe Street", "Subscribed"} {
		alice.ExpectTextOf(fmt.Sprintf("#told li:nth-child(%d)", i+1), told)
	}
	alice.ExpectTextOf("#patients", "Ana Ek Tomas Varga Mei Tanaka Samuel Adeyemi Jefe Street")
	s.Psql(t, `UPDATE patients SET last_name = 'Road' WHERE first_name = 'Jefe'; UPDATE patients SET last_name = 'Lind' WHERE id = 1;
		INSERT INTO patients (first_name, last_name, admission_date) VALUES ('<i>Noor</i>', 'Haddad', now()); DELETE FROM patients WHERE id = 2`)
	alice.ExpectTextOf("#patients", "Ana Lind Mei Tanaka Samuel Adeyemi Jefe Road <i>Noor</i> Haddad")
	alice.ExpectTextOf("#told li:last-child", "Updated: Jefe Road")

	sockets := alice.CountSockets()
	s = restart(t, s)
	alice.ExpectSockets(sockets + 1)
	alice.Do(chromedp.Click(chromedp.CSS("#readme"))) // answered when the subscription is there again
	subscribed := `[...document.querySelectorAll('#told li')].filter((line) => line.innerText.trim() === 'Subscribed').length`
	rowcalltest.Eventually(t, func() bool { return rowcalltest.Evaluate[int](alice, subscribed) == 2 }, "the page does not subscribe again")
	alice.ExpectTextOf("#patients li:last-child", "Jefe Street")
	s.Psql(t, `UPDATE patients SET last_name = 'Lane' WHERE last_name = 'Road'`)
	alice.ExpectTextOf("#told li:last-child", "Updated: Jefe Lane")
	s.Psql(t, `DELETE FROM patients WHERE last_name = 'Lane'`)
	alice.ExpectTextOf("#told li:last-child", "Deleted!")
	alice.ExpectTextOf("#patients", "Ana Lind Mei Tanaka Samuel Adeyemi <i>Noor</i> Haddad Jefe Street")

	alice.Do(chromedp.Click(chromedp.CSS("#stop")))
	s.Psql(t, `UPDATE patients SET last_name = 'Square' WHERE last_name = 'Street'`)
	alice.ExpectTextOf("#patients", "Ana Lind Mei Tanaka Samuel Adeyemi <i>Noor</i> Haddad Jefe Square")
	alice.ExpectTextOf("#told li:last-child", "Cancelled")
	nobody.ExpectTextOf("#patients", "")
	for _, frame := range nobody.Frames() {
		if !strings.Contains(frame, `"response_status":403`) {
			t.Errorf("an anonymous page hears %s", frame)
		}
	}
}
