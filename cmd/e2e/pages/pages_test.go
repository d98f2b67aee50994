package pages

import (
	"testing"

	"github.com/chromedp/chromedp"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

// TestPages runs the stories of the pages, each with several users. The stories find elements by
// role and name, as a screen reader does.
func TestPages(t *testing.T) {
	t.Parallel()
	b := rowcalltest.OpenBrowser(t, chromedp.WindowSize(1280, 900))
	shared := rowcalltest.StartServer(t, nil) // by stories that leave each other's rows alone
	t.Run("all", func(t *testing.T) {         // the browser stays until all are done
		for name, story := range map[string]func(*testing.T, *rowcalltest.Server, rowcalltest.Browser){
			"chat":     roomStory,
			"login":    loginStory,
			"revoked":  revokedStory,
			"kept":     keptStory,
			"map":      mapStory,
			"jobs":     jobsPageStory,
			"patients": patientsPageStory,
			"admin":    adminStory,
			"console":  consoleStory,
			"exact":    exactStory,
			"cut load": cutLoadStory,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				story(t, shared, b)
			})
		}
		for name, story := range map[string]func(*testing.T, *rowcalltest.Server, rowcalltest.Browser){ // each by itself
			"away":       awayStory,
			"looks":      looksStory,
			"still":      stillStory,
			"first page": firstPageStory,
			"outage":     outageStory,
			"lists":      listsStory,
			"sizes":      sizesStory,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				story(t, rowcalltest.StartServer(t, map[string]string{"ROWCALL_HTTP_ADDR": schematest.UnusedAddress(t)}), b)
			})
		}
	})
}

// visit opens a page as a user who is logged in already; an empty name is an anonymous user.
func visit(s *rowcalltest.Server, tb *rowcalltest.Tab, who, page string) {
	tb.T.Helper()
	if who != "" {
		tb.TakeCookie(s, s.Login(tb.T, who))
	}
	tb.Open(s.Pages + page)
}
