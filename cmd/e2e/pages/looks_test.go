package pages

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/testdeadline"
)

// takeScreenshots is set by make screenshots. To draw pictures of all pages is most of the work of these tests.
var takeScreenshots = flag.Bool("screenshots", false, "save pictures of the pages in build/screenshots")

// screenshots is the folder for pictures of the pages.
const screenshots = "../../../build/screenshots"

// look is a window size and a color scheme.
type look struct {
	name          string
	width, height int64
	scheme        string
}

// looks returns all combinations of size and scheme if pictures are wanted. Otherwise each size and each scheme
// occurs once.
func looks() []look {
	light, dark := look{"desktop-light", 1280, 900, "light"}, look{"phone-dark", 360, 740, "dark"}
	if !*takeScreenshots {
		return []look{light, dark}
	}
	return []look{light, {"phone-light", 360, 740, "light"}, {"desktop-dark", 1280, 900, "dark"}, dark}
}

// page is a page as a user sees it, and an element that it has when it is complete.
type page struct{ name, who, path, role, thing string }

func everyPage() []page {
	return []page{
		{"home", "", "", "heading", "Commit a row. Everyone allowed to see it does, instantly."},
		{"home-alice", "alice", "", "heading", "Commit a row. Everyone allowed to see it does, instantly."},
		{"login", "", "login", "button", "Log in"},
		{"chat-anonymous", "", "chat", "heading", "Chat"},
		{"chat", "alice", "chat", "link", "Reading group Yours"},
		{"chat-room", "alice", "chat/1", "button", "Admit Carol Okafor"},
		{"chat-room-member", "bob", "chat/1", "button", "Leave room"},
		{"chat-room-closed", "dave", "chat/1", "heading", "You are not a member of this room"},
		{"patients", "alice", "patients", "button", "Discharge Ana Ek"},
		{"dams", "alice", "dams", "button", "Add a dam"},
		{"jobs", "alice", "jobs", "progressbar", "Progress of Sort the summer collection"},
		{"missing", "", "nowhere", "heading", "Page not found"},
		{"admin", "admin", "admin", "link", "Add a join request"},
		{"admin-list", "admin", "admin/join_requests", "table", "Join requests"},
		{"admin-new", "admin", "admin/join_requests/new", "form", "Add a join request"},
		{"admin-edit", "admin", "admin/patients/1", "button", "Delete"},
		{"live", "admin", "live", "heading", "Live"},
		{"console", "admin", "console", "heading", "Console"},
	}
}

// looksStory opens every page in every look: no element is wider than the window, every control has
// a name, and the console stays empty.
func looksStory(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	tabs := map[string]*rowcalltest.Tab{}
	for _, p := range everyPage() {
		tb, open := tabs[p.who]
		if !open {
			tb = b.OpenTab(t)
			tabs[p.who] = tb
			if p.who != "" {
				tb.TakeCookie(s, s.Login(t, p.who))
			}
		}
		if p.name == "missing" {
			tb.AllowConsole("404")
		}
		emulate(tb, looks()[0])
		tb.Open(s.Pages + p.path)
		tb.ExpectElement(p.role, p.thing)
		checkNames(tb, p.name)
		for _, l := range looks() {
			emulate(tb, l)
			save(tb, p.name+"-"+l.name, chromedp.FullScreenshot(100)) // to its end
			checkWidth(tb, p.name+"-"+l.name)
		}
	}
}

// emulate sets the size of the window and the user's preference of colors.
func emulate(tb *rowcalltest.Tab, l look) {
	tb.T.Helper()
	tb.Do(chromedp.EmulateViewport(l.width, l.height))
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: l.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	if _, err := chromedp.Call(tb.Context, emulation.SetEmulatedMedia, media); err != nil {
		tb.T.Fatal(err)
	}
}

// settle waits until the page has painted everything.
func settle(tb *rowcalltest.Tab) {
	tb.T.Helper()
	rowcalltest.Evaluate[bool](tb, `(async () => {
		const frames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
		await frames();
		await document.fonts.ready;
		const ending = document.getAnimations().filter((a) => a.effect.getTiming().iterations !== Infinity);
		await Promise.all(ending.map((a) => a.finished.catch(() => 0)));
		await frames();
		return true;
	})()`)
}

// photograph saves a picture of the visible part of the page.
func photograph(tb *rowcalltest.Tab, name string) {
	tb.T.Helper()
	save(tb, name, chromedp.CaptureScreenshot())
}

// save writes a picture to the folder for screenshots if pictures are wanted.
func save(tb *rowcalltest.Tab, name string, picture chromedp.Action[[]byte]) {
	tb.T.Helper()
	settle(tb)
	if !*takeScreenshots {
		return
	}
	ctx, cancel := context.WithTimeout(tb.Context, testdeadline.Hang())
	defer cancel()
	png, err := chromedp.Run(ctx, picture)
	if err == nil {
		err = errors.Join(os.MkdirAll(screenshots, 0o755), os.WriteFile(filepath.Join(screenshots, name+".png"), png, 0o644))
	}
	if err != nil {
		tb.T.Errorf("photograph %s: %v", name, err)
	}
}

// checkWidth fails the test if the page is wider than its window, and names the elements that are.
func checkWidth(tb *rowcalltest.Tab, name string) {
	tb.T.Helper()
	script := `(() => {
		const root = document.documentElement;
		if (root.scrollWidth <= root.clientWidth) return '';
		return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > root.clientWidth + 1)
			.slice(0, 5).map((e) => e.tagName + '.' + e.className).join(', ');
	})()`
	if wide := rowcalltest.Evaluate[string](tb, script); wide != "" {
		tb.T.Errorf("%s is wider than its window: %s", name, wide)
	}
}

// checkNames fails the test for each control that has no name for a screen reader.
func checkNames(tb *rowcalltest.Tab, name string) {
	tb.T.Helper()
	tree, err := chromedp.Call(tb.Context, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		tb.T.Fatal(err)
	}
	controls := []string{"button", "link", "textbox", "searchbox", "combobox", "listbox", "checkbox", "radio", "switch", "slider",
		"spinbutton", "menuitem", "tab", "img", "dialog", "progressbar", "table", "DateTime", "InputTime", "Date"}
	for _, node := range tree.Nodes {
		if !node.Ignored && slices.Contains(controls, textOf(node.Role)) && textOf(node.Name) == "" {
			tb.T.Errorf("%s: a %s has no name", name, textOf(node.Role))
		}
	}
}

// textOf returns a value of the accessibility tree if it is a text.
func textOf(value *accessibility.Value) string {
	if value == nil {
		return ""
	}
	var text string
	_ = json.Unmarshal(value.Value, &text)
	return text
}

// firstPageStory loads the first page with an empty cache: it takes less than 200 kB.
func firstPageStory(t *testing.T, s *rowcalltest.Server, b rowcalltest.Browser) {
	tb := b.OpenTab(t)
	tb.Open(s.Pages)
	tb.ExpectElement("heading", "Commit a row. Everyone allowed to see it does, instantly.")
	settle(tb)
	const sum = `performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation')).reduce((n, e) => n + e.transferSize, 0)`
	got := rowcalltest.Evaluate[float64](tb, sum)
	t.Logf("the first page takes %.0f bytes", got)
	if got > 200_000 || got < 10_000 {
		t.Errorf("the first page takes %.0f bytes", got)
	}
}
