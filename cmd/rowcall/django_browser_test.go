package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// The same in a real browser, whose rules about cookies and origins are its own: a page of the Django site
// opens the seed's socket at the node's address, hears what the site writes, and is cut off by the site's logout.
func TestDjangoInABrowser(t *testing.T) {
	t.Parallel()
	d := openDjango(t, nil)
	b := openBrowser(t)
	b.do(chromedp.Navigate(d.url+"login/"), chromedp.SendKeys(chromedp.CSS("#id_username"), "alice"),
		chromedp.SendKeys(chromedp.CSS("#id_password"), "alice"), chromedp.Click(chromedp.CSS(`[type="submit"]`)),
		chromedp.WaitVisible(`//*[contains(text(), '"user": 1')]`))
	address := "ws" + strings.TrimPrefix(d.pages, "http") + "ws/room/1"
	b.evaluate(fmt.Sprintf(`
		window.heard = [];
		window.socket = new WebSocket(%q);
		socket.onopen = () => heard.push("open");
		socket.onmessage = (e) => heard.push(e.data);
		socket.onclose = (e) => heard.push("closed " + e.code);`, address))
	b.await(`heard.length == 1`)
	d.shell(`
from chat.models import ChatMessage, ChatRoomJoinRequest
ChatMessage.objects.create(id=700, room_id=1, sender_id=2, message="from the site")
ChatRoomJoinRequest.objects.create(id=700, room_id=1, user_id=4)`)
	b.await(`heard.length == 3`)
	b.evaluate(`fetch("/logout/", {method: "POST", headers: {"X-CSRFToken": document.cookie.match(/csrftoken=(\w+)/)[1]}});`)
	b.await(`heard.length == 4`)
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`heard`))
	want := []string{"open", said(700, "from the site"),
		`{"type":"did_alter_join_request","kwargs":{"id":"700","action":"create","requesting_user":` + dave + `}}`, "closed 4401"}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the page heard %q (%v), want %q", got, err, want)
	}
}

// evaluate runs a script in the page.
func (b browser) evaluate(script string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[any](script+"; null")); err != nil {
		b.t.Fatalf("evaluate: %v", err)
	}
}

// await waits until something is so in the page.
func (b browser) await(condition string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](condition)); err != nil {
		heard, _ := chromedp.Run(b.ctx, chromedp.Evaluate[any](`window.heard`))
		b.t.Fatalf("wait for %s: %v; the page heard %v", condition, err, heard)
	}
}
