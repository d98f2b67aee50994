package sites

import (
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

// jobsStory uses the seed's React component over https. It shows the states of the user's own jobs
// and of no other. After a restart its library connects again.
func jobsStory(t *testing.T, pages frontends, b rowcalltest.Browser) {
	cert, key := certificate(t)
	s := openForPages(t, map[string]string{"ROWCALL_HTTP_TLS_CERT": cert, "ROWCALL_HTTP_TLS_KEY": key})
	front := pages.elsewhere(t, s.Pages)
	alice, bob, nobody := b.OpenTab(t), b.OpenTab(t), b.OpenTab(t)
	nobody.AllowConsole("401", "WebSocket connection to .* 403")
	for tb, name := range map[*rowcalltest.Tab]string{alice: "alice", bob: "bob", nobody: ""} {
		tb.Open(front + "blank")
		if name != "" {
			tb.Login(s.Pages, name)
		}
		tb.Open(front + "jobs/index.html")
	}
	alice.ExpectSockets(1)
	bob.ExpectSockets(1)
	alice.ExpectTextOf("#root", "Sort the summer collection: running Sort the winter collection: queued")
	bob.ExpectTextOf("#root", "Import the catalogue: done")

	s.Psql(t, `UPDATE job_postings SET state = 'done' WHERE title LIKE '%summer%'; INSERT INTO job_postings (id, user_id, title, state) VALUES (17, 1, 'Late', 'new')`)
	alice.ExpectTextOf("#root", "Sort the summer collection: done Sort the winter collection: queued")

	job := func(title string) string {
		return s.Psql(t, `SELECT id FROM job_postings WHERE title LIKE '%`+title+`%'`)
	}
	before := []string{`{"id":` + job("summer") + `,"state":"done"}`, `{"id":17,"state":"new"}`}
	alice.ExpectFrames(before...) // these sockets bring no cursor: what a restart cuts off does not come later

	alice.AllowCuts()
	bob.AllowCuts()
	nobody.AllowCuts()
	sockets := alice.CountSockets()
	s = restart(t, s)
	alice.ExpectSockets(sockets + 1)
	bob.ExpectSockets(2)
	s.Psql(t, `UPDATE job_postings SET state = 'running' WHERE title LIKE '%winter%'; UPDATE job_postings SET state = 'imported' WHERE title LIKE 'Import%'`)
	alice.ExpectTextOf("#root", "Sort the summer collection: done Sort the winter collection: running")
	bob.ExpectTextOf("#root", "Import the catalogue: imported")
	alice.ExpectFrames(append(before, `{"id":`+job("winter")+`,"state":"running"}`)...)
	bob.ExpectFrames(`{"id":` + job("Import") + `,"state":"imported"}`)
	nobody.ExpectTextOf("#root", "")
	nobody.ExpectFrames()
}
