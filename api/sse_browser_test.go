package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"rowcall/api/apitest"
	"rowcall/testbrowser"
)

// listeningPage logs in and follows two topics with the EventSource of the browser. It records what
// comes, in order, and the states of the connection. It also opens sockets that are refused, and records
// the codes that they are closed with.
const listeningPage = `<!doctype html><title>listening</title><script>
const names = [], states = [], codes = [];
(async () => {
	await fetch('/api/login', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{"username":"alice","password":"secret"}'});
	const source = new EventSource('/v1/sse?topic=jobs/1&topic=dams');
	source.onopen = () => states.push('open');
	source.onerror = () => states.push(source.readyState === EventSource.CONNECTING ? 'waits' : 'gave up');
	source.onmessage = e => { const frame = JSON.parse(e.data); names.push(frame.data.name ?? frame.data.title) };
	source.addEventListener('reset', e => names.push(e.data));
	for (const [path, protocols] of [['/v1/ws', ['graphql-ws']], ['/v1/ws', ['rowcall.bearer.eA', 'other']], ['/ws/room/999', ['json', 'xml']]])
		new WebSocket(location.origin.replace('http', 'ws') + path, protocols).onclose = e => codes.push(path + ' ' + e.code);
})();
</script>`

// browserTab is a page in a real browser, and the server behind it.
type browserTab struct {
	t     *testing.T
	ctx   context.Context
	front *httptest.Server
}

// openBrowserTab opens the page. It skips the test if there is no browser.
func openBrowserTab(t *testing.T, tn *liveServer) *browserTab {
	t.Helper()
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self' 'unsafe-inline'; connect-src 'self' ws:")
		fmt.Fprint(w, listeningPage)
	})
	server := tn.another(t, Options{Pages: page, Sockets: seedSockets()})
	b := &browserTab{t: t, front: httptest.NewServer(server.Handler())}
	t.Cleanup(func() {
		b.front.CloseClientConnections()
		b.front.Close()
	})
	b.open()
	return b
}

func (b *browserTab) open() {
	b.t.Helper()
	b.ctx = testbrowser.Start(b.t)
	if err := chromedp.Do(b.ctx, chromedp.Navigate(b.front.URL)); err != nil {
		b.t.Fatalf("open the page: %v", err)
	}
}

// has returns an array of the page.
func (b *browserTab) has(array string) []string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](array))
	if err != nil {
		b.t.Fatalf("ask the page for %s: %v", array, err)
	}
	return got
}

// expects waits until the page has recorded these.
func (b *browserTab) expects(want []string) {
	b.t.Helper()
	apitest.WaitFor(b.t, "the page's events", func() bool { return len(b.has("names")) >= len(want) })
	if got := b.has("names"); !slices.Equal(got, want) {
		b.t.Fatalf("the page heard %v, want %v; its connection: %v", got, want, b.has("states"))
	}
}

// TestEventSourceResumes cuts the connection of a real browser in the middle of a write. The
// browser reconnects by itself with Last-Event-ID, and has lost nothing and received nothing twice.
func TestEventSourceResumes(t *testing.T) {
	t.Parallel()
	tn := openLiveServer(t)
	b := openBrowserTab(t, tn)
	apitest.WaitFor(t, "the stream", func() bool { return slices.Contains(b.has("states"), "open") })
	var want []string
	for range 3 {
		var script string
		for range 10 {
			n := len(want)
			want = append(want, fmt.Sprintf("dam %d", n), fmt.Sprintf("job %d", n+1))
			script += "BEGIN;" + dam(want[n]) + job(want[n+1]) + "COMMIT;"
		}
		tn.db.Psql(t, script)
		b.front.CloseClientConnections()
		last := fmt.Sprintf("while away %d", len(want))
		want = append(want, last)
		tn.db.Psql(t, dam(last))
		b.expects(want)
	}
	if got := b.has("states"); slices.Contains(got, "gave up") || len(got) < 7 {
		t.Errorf("the connection was cut three times: %v", got)
	}
}

// A browser shows why a socket is refused that was offered subprotocols.
func TestBrowserSeesCloseCodesOfOfferedSubprotocols(t *testing.T) {
	t.Parallel()
	b := openBrowserTab(t, openLiveServer(t))
	want := []string{"/v1/ws 4406", "/v1/ws 4406", "/ws/room/999 4404"}
	apitest.WaitFor(t, "the sockets to close", func() bool { return len(b.has("codes")) >= len(want) })
	if got := slices.Sorted(slices.Values(b.has("codes"))); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
