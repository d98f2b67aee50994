package main

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// The pages in a browser, in stories of several people side by side, found by what a screen reader would say.
func TestPages(t *testing.T) {
	t.Parallel()
	b := openBrowser(t, chromedp.WindowSize(1280, 900))
	shared := openSite(t, nil)        // by stories that leave each other's rows alone
	t.Run("all", func(t *testing.T) { // the browser stays until all are done
		for name, story := range map[string]func(*testing.T, *site, browser){
			"chat":     roomStory,
			"login":    loginStory,
			"revoked":  revokedStory,
			"kept":     keptStory,
			"map":      mapStory,
			"jobs":     jobsPageStory,
			"patients": patientsPageStory,
			"admin":    adminStory,
			"console":  consoleStory,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				story(t, shared, b)
			})
		}
		for name, story := range map[string]func(*testing.T, *site, browser){ // each by itself
			"away":       awayStory,
			"looks":      looksStory,
			"still":      stillStory,
			"first page": firstPageStory,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				story(t, openSite(t, map[string]string{"ROWCALL_HTTP_ADDR": unused(t)}), b)
			})
		}
	})
}
