package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
)

// followDams is a page that shows the state of a client of the npm package, and of the dams.
const followDams = `<!doctype html><title>Dams</title><link rel="icon" href="data:,"><body><script type="module">
import { createClient } from '/index.js';
const client = createClient({ url: %q });
const dams = client.live({ topic: 'dams' });
const show = () => {
	const { status, state, error } = dams.getSnapshot();
	document.body.innerText = [client.status, status, error?.code ?? 'no error', state ? state.length + ' dams' : ''].join(', ');
};
client.onStatus(show);
dams.subscribe(show);
show();
</script>`

// servePage serves a page that follows the dams of a server, from another origin.
func servePage(t *testing.T, pages *string) string {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/index.js" {
			http.ServeFile(w, r, filepath.Join(clientFolder, "dist", "index.js"))
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, followDams, *pages)
	}))
	t.Cleanup(site.Close)
	return site.URL
}

// TestClientPackageLearnsThatItsOriginIsRefused opens a page with the npm package from an origin that
// is not listed, and then from one that is. In the first case the page stops, and knows why. It is not
// parallel, because another test builds the package as well.
func TestClientPackageLearnsThatItsOriginIsRefused(t *testing.T) {
	buildClient(t, t.Context())
	b := rowcalltest.OpenBrowser(t)
	var pages string
	site := servePage(t, &pages)

	s := rowcalltest.StartServer(t, nil)
	pages = s.Pages
	tb := b.OpenTab(t)
	tb.AllowCuts()
	tb.AllowConsole("403") // the handshake, and the request that asks why
	tb.Open(site)
	tb.ExpectText("stopped, stopped, origin_not_allowed")

	s.Env["ROWCALL_HTTP_ORIGINS"] = site
	pages = s.StartAnother(t).Pages
	tb.Open(site)
	tb.ExpectText("open, live, no error, 5 dams")
}
