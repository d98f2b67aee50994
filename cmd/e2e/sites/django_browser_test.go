package sites

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/testdeadline"
)

// TestDjangoInABrowser opens a socket of the node from a page of the Django site, in a real browser
// with its own rules for cookies and origins. The page gets what the site writes, and the logout at
// the site closes the socket.
func TestDjangoInABrowser(t *testing.T) {
	t.Parallel()
	d := openDjango(t, nil)
	b := rowcalltest.OpenBrowser(t)
	b.Do(chromedp.Navigate(d.url+"login/"), chromedp.SendKeys(chromedp.CSS("#id_username"), "alice"),
		chromedp.SendKeys(chromedp.CSS("#id_password"), "alice"), chromedp.Click(chromedp.CSS(`[type="submit"]`)),
		chromedp.WaitVisible(`//*[contains(text(), '"user": 1')]`))
	address := "ws" + strings.TrimPrefix(d.Pages, "http") + "ws/room/1"
	runScript(b, fmt.Sprintf(`
		window.heard = [];
		window.socket = new WebSocket(%q);
		socket.onopen = () => heard.push("open");
		socket.onmessage = (e) => heard.push(e.data);
		socket.onclose = (e) => heard.push("closed " + e.code);`, address))
	await(b, `heard.length == 1`)
	d.shell(`
from chat.models import ChatMessage, ChatRoomJoinRequest
ChatMessage.objects.create(id=700, room_id=1, sender_id=2, message="from the site")
ChatRoomJoinRequest.objects.create(id=700, room_id=1, user_id=4)`)
	await(b, `heard.length == 3`)
	runScript(b, `fetch("/logout/", {method: "POST", headers: {"X-CSRFToken": document.cookie.match(/csrftoken=(\w+)/)[1]}});`)
	await(b, `heard.length == 4`)
	got, err := chromedp.Run(b.Context, chromedp.Evaluate[[]string](`heard`))
	want := []string{"open", rowcalltest.ChatMessageFrame(700, "from the site"),
		`{"type":"did_alter_join_request","kwargs":{"id":"700","action":"create","requesting_user":` + dave + `}}`, "closed 4401"}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the page heard %q (%v), want %q", got, err, want)
	}
}

// runScript runs a script in the page.
func runScript(b rowcalltest.Browser, script string) {
	b.T.Helper()
	if _, err := chromedp.Run(b.Context, chromedp.Evaluate[any](script+"; null")); err != nil {
		b.T.Fatalf("evaluate: %v", err)
	}
}

// await waits until a condition is true in the page.
func await(b rowcalltest.Browser, condition string) {
	b.T.Helper()
	if _, err := chromedp.Run(b.Context, chromedp.Poll[bool](condition, chromedp.WithPollingTimeout(testdeadline.Hang()))); err != nil {
		heard, _ := chromedp.Run(b.Context, chromedp.Evaluate[any](`window.heard`))
		b.T.Fatalf("wait for %s: %v; the page heard %v", condition, err, heard)
	}
}
