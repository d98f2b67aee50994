package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// patientsStory has a page that uses dcrf-client: it lists, does what the package's README does, and follows
// what anybody does to patients, one of them by a subscription that outlives a restart.
func patientsStory(t *testing.T, pages frontends, b browser) {
	s := openForPages(t, nil)
	front := pages.elsewhere(t, s.pages)
	alice, nobody := b.openTab(t), b.openTab(t)
	for _, tb := range []*tab{alice, nobody} {
		tb.forgiveCuts()
		tb.open(front + "blank")
	}
	alice.login(s.pages, "alice")
	for _, tb := range []*tab{alice, nobody} {
		tb.open(front + "patients/index.html")
		tb.connects(1)
	}
	alice.shows("#patients", "Ana Ek Tomas Varga Mei Tanaka Samuel Adeyemi")
	nobody.shows("#told", "403 You do not have permission to perform this action.")

	alice.do(chromedp.Click(chromedp.CSS("#readme")))
	for i, told := range []string{"Created: Alex Kim", "Retrieved: Alex Kim", "Overwrote: Johannes Street", "Changed: Jefe Street", "Subscribed"} {
		alice.shows(fmt.Sprintf("#told li:nth-child(%d)", i+1), told)
	}
	alice.shows("#patients", "Ana Ek Tomas Varga Mei Tanaka Samuel Adeyemi Jefe Street")
	s.Psql(t, `UPDATE patients SET last_name = 'Road' WHERE first_name = 'Jefe'; UPDATE patients SET last_name = 'Lind' WHERE id = 1;
		INSERT INTO patients (first_name, last_name) VALUES ('<i>Noor</i>', 'Haddad'); DELETE FROM patients WHERE id = 2`)
	alice.shows("#patients", "Ana Lind Mei Tanaka Samuel Adeyemi Jefe Road <i>Noor</i> Haddad")
	alice.shows("#told li:last-child", "Updated: Jefe Road")

	sockets := alice.answered()
	s = s.restart(t)
	alice.connects(sockets + 1)
	alice.do(chromedp.Click(chromedp.CSS("#readme"))) // answered when the subscription is there again
	subscribed := `[...document.querySelectorAll('#told li')].filter((line) => line.innerText.trim() === 'Subscribed').length`
	eventually(t, func() bool { return evaluate[int](alice, subscribed) == 2 }, "the page does not subscribe again")
	alice.shows("#patients li:last-child", "Jefe Street")
	s.Psql(t, `UPDATE patients SET last_name = 'Lane' WHERE last_name = 'Road'`)
	alice.shows("#told li:last-child", "Updated: Jefe Lane")
	s.Psql(t, `DELETE FROM patients WHERE last_name = 'Lane'`)
	alice.shows("#told li:last-child", "Deleted!")
	alice.shows("#patients", "Ana Lind Mei Tanaka Samuel Adeyemi <i>Noor</i> Haddad Jefe Street")

	alice.do(chromedp.Click(chromedp.CSS("#stop")))
	s.Psql(t, `UPDATE patients SET last_name = 'Square' WHERE last_name = 'Street'`)
	alice.shows("#patients", "Ana Lind Mei Tanaka Samuel Adeyemi <i>Noor</i> Haddad Jefe Square")
	alice.shows("#told li:last-child", "Cancelled")
	nobody.shows("#patients", "")
	for _, frame := range nobody.everything() {
		if !strings.Contains(frame, `"response_status":403`) {
			t.Errorf("an anonymous page hears %s", frame)
		}
	}
}
