package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// screenshots is where the pages' pictures are put, for somebody to look at.
const screenshots = "../../build/screenshots"

// look is one way to see a page.
type look struct {
	name          string
	width, height int64
	scheme        string
}

func looks() []look {
	var all []look
	for _, scheme := range []string{"light", "dark"} {
		all = append(all, look{"desktop-" + scheme, 1280, 900, scheme}, look{"phone-" + scheme, 360, 740, scheme})
	}
	return all
}

// page is a page as somebody sees it, and something that is on it when it is complete.
type page struct{ name, who, path, role, thing string }

func everyPage() []page {
	return []page{
		{"home", "", "", "heading", "Commit a row, and everybody who may see it does"},
		{"home-alice", "alice", "", "heading", "Commit a row, and everybody who may see it does"},
		{"login", "", "login", "button", "Log in"},
		{"chat-anonymous", "", "chat", "heading", "Chat"},
		{"chat", "alice", "chat", "link", "Reading group Yours"},
		{"chat-room", "alice", "chat/1", "button", "Admit Carol Okafor"},
		{"chat-room-member", "bob", "chat/1", "button", "Leave the room"},
		{"chat-room-closed", "dave", "chat/1", "heading", "This room is not open to you"},
		{"patients", "alice", "patients", "button", "Discharge Ana Ek"},
		{"dams", "alice", "dams", "button", "Add a dam"},
		{"jobs", "alice", "jobs", "progressbar", "Progress of Sort the summer collection"},
		{"missing", "", "nowhere", "heading", "There is no such page"},
		{"admin", "admin", "admin", "link", "Add a join request"},
		{"admin-list", "admin", "admin/join_requests", "table", "Join requests"},
		{"admin-new", "admin", "admin/join_requests/new", "form", "Add a join request"},
		{"admin-edit", "admin", "admin/patients/1", "button", "Delete"},
		{"console", "admin", "console", "heading", "Console"},
	}
}

// looksStory sees every page in every look: nothing stands out at the sides, every control has a name, the
// console stays silent.
func looksStory(t *testing.T, s *site, b browser) {
	tabs := map[string]*tab{}
	for _, p := range everyPage() {
		tb, open := tabs[p.who]
		if !open {
			tb = b.openTab(t)
			tabs[p.who] = tb
			if p.who != "" {
				tb.take(s, s.login(t, p.who))
			}
		}
		if p.name == "missing" {
			tb.forgive("404")
		}
		tb.look(looks()[0])
		tb.open(s.pages + p.path)
		tb.finds(p.role, p.thing)
		tb.checkNames(p.name)
		for _, l := range looks() {
			tb.look(l)
			tb.keep(p.name+"-"+l.name, chromedp.FullScreenshot(100)) // to its end
			tb.checkWidth(p.name + "-" + l.name)
		}
	}
}

// look makes the window so large, and the person's preference so.
func (tb *tab) look(l look) {
	tb.t.Helper()
	tb.do(chromedp.EmulateViewport(l.width, l.height))
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: l.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	if _, err := chromedp.Call(tb.ctx, emulation.SetEmulatedMedia, media); err != nil {
		tb.t.Fatal(err)
	}
}

// settle waits until the page has painted what it has to paint.
func (tb *tab) settle() {
	tb.t.Helper()
	evaluate[bool](tb, `(async () => {
		const frames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
		await frames();
		await document.fonts.ready;
		const ending = document.getAnimations().filter((a) => a.effect.getTiming().iterations !== Infinity);
		await Promise.all(ending.map((a) => a.finished.catch(() => 0)));
		await frames();
		return true;
	})()`)
}

// photograph keeps a picture of what is in sight.
func (tb *tab) photograph(name string) {
	tb.t.Helper()
	tb.keep(name, chromedp.CaptureScreenshot())
}

// keep puts a picture where somebody may look at it.
func (tb *tab) keep(name string, picture chromedp.Action[[]byte]) {
	tb.t.Helper()
	tb.settle()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, picture)
	if err == nil {
		err = errors.Join(os.MkdirAll(screenshots, 0o755), os.WriteFile(filepath.Join(screenshots, name+".png"), png, 0o644))
	}
	if err != nil {
		tb.t.Errorf("photograph %s: %v", name, err)
	}
}

// checkWidth complains of what is wider than the window, and of the elements that are.
func (tb *tab) checkWidth(name string) {
	tb.t.Helper()
	script := `(() => {
		const root = document.documentElement;
		if (root.scrollWidth <= root.clientWidth) return '';
		return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > root.clientWidth + 1)
			.slice(0, 5).map((e) => e.tagName + '.' + e.className).join(', ');
	})()`
	if wide := evaluate[string](tb, script); wide != "" {
		tb.t.Errorf("%s is wider than its window: %s", name, wide)
	}
}

// checkNames complains of controls that a screen reader has no name for.
func (tb *tab) checkNames(name string) {
	tb.t.Helper()
	tree, err := chromedp.Call(tb.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		tb.t.Fatal(err)
	}
	controls := []string{"button", "link", "textbox", "searchbox", "combobox", "listbox", "checkbox", "radio", "switch", "slider",
		"spinbutton", "menuitem", "tab", "img", "dialog", "progressbar", "table", "DateTime", "InputTime", "Date"}
	for _, node := range tree.Nodes {
		if !node.Ignored && slices.Contains(controls, textOf(node.Role)) && textOf(node.Name) == "" {
			tb.t.Errorf("%s: a %s has no name", name, textOf(node.Role))
		}
	}
}

// textOf is a value of the tree, where it is a text.
func textOf(value *accessibility.Value) string {
	if value == nil {
		return ""
	}
	var text string
	_ = json.Unmarshal(value.Value, &text)
	return text
}

// firstPageStory loads the first page as a newcomer: it comes in less than 200 kB.
func firstPageStory(t *testing.T, s *site, b browser) {
	tb := b.openTab(t)
	tb.open(s.pages)
	tb.finds("heading", "Commit a row, and everybody who may see it does")
	tb.settle()
	const sum = `performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation')).reduce((n, e) => n + e.transferSize, 0)`
	got := evaluate[float64](tb, sum)
	t.Logf("the first page takes %.0f bytes", got)
	if got > 200_000 || got < 10_000 {
		t.Errorf("the first page takes %.0f bytes", got)
	}
}
