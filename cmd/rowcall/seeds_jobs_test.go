package main

import "testing"

// jobsStory has the React component, over https as it is written: states of the user's own jobs move, of
// nobody else's; after a restart the component's library brings it back.
func jobsStory(t *testing.T, pages frontends, b browser) {
	cert, key := certificate(t)
	s := openForPages(t, map[string]string{"ROWCALL_HTTP_TLS_CERT": cert, "ROWCALL_HTTP_TLS_KEY": key})
	front := pages.elsewhere(t, s.pages)
	alice, bob, nobody := b.openTab(t), b.openTab(t), b.openTab(t)
	nobody.forgive("401", "WebSocket connection to .* 403")
	for tb, name := range map[*tab]string{alice: "alice", bob: "bob", nobody: ""} {
		tb.open(front + "blank")
		if name != "" {
			tb.login(s.pages, name)
		}
		tb.open(front + "jobs/index.html")
	}
	alice.connects(1)
	bob.connects(1)
	alice.shows("#root", "Sort the summer collection: running Sort the winter collection: queued")
	bob.shows("#root", "Import the catalogue: done")

	s.Psql(t, `UPDATE job_postings SET state = 'done' WHERE title LIKE '%summer%'; INSERT INTO job_postings (id, user_id, title, state) VALUES (17, 1, 'Late', 'new')`)
	alice.shows("#root", "Sort the summer collection: done Sort the winter collection: queued")

	job := func(title string) string {
		return s.Psql(t, `SELECT id FROM job_postings WHERE title LIKE '%`+title+`%'`)
	}
	before := []string{`{"id":` + job("summer") + `,"state":"done"}`, `{"id":17,"state":"new"}`}
	alice.heard(before...) // these sockets bring no cursor: what a restart cuts off does not come later

	alice.forgiveCuts()
	bob.forgiveCuts()
	nobody.forgiveCuts()
	sockets := alice.answered()
	s = s.restart(t)
	alice.connects(sockets + 1)
	bob.connects(2)
	s.Psql(t, `UPDATE job_postings SET state = 'running' WHERE title LIKE '%winter%'; UPDATE job_postings SET state = 'imported' WHERE title LIKE 'Import%'`)
	alice.shows("#root", "Sort the summer collection: done Sort the winter collection: running")
	bob.shows("#root", "Import the catalogue: imported")
	alice.heard(append(before, `{"id":`+job("winter")+`,"state":"running"}`)...)
	bob.heard(`{"id":` + job("Import") + `,"state":"imported"}`)
	nobody.shows("#root", "")
	nobody.heard()
}
