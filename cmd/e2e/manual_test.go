package e2e

import (
	"bytes"
	"cmp"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rowcall/cmd/e2e/rowcalltest"
	"rowcall/schema/schematest"
)

// manual runs the blocks of a page of the manual, in their order, as a reader would:
//
//	sql          goes to psql
//	sh           is a script, which has to succeed; rowcall plan may end with status 2
//	sh stays     is a program that runs until the end of the page, or until rowcall init or uninstall
//	yaml FILE    replaces the part of a file that has the same key; without the file, it is the file
//	ts FILE      is written into a file, which has to compile
//	python FILE  is written into a file
//	text         each line has to be in what the scripts and programs print, one behind the other; ... is any text
//
// Other blocks, and those that are indented, are for readers alone.
type manual struct {
	t       *testing.T
	db      *schematest.Database
	env     map[string]string
	folder  string
	address string // of the node
	printed *rowcalltest.Output
	read    int // how much of printed the page has told
	stays   []*exec.Cmd
}

// block is a block of a page.
type block struct {
	kind, file, text string
	line             int
}

// blocksOf reads the blocks of a page.
func blocksOf(t *testing.T, name string) []block {
	t.Helper()
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	for _, found := range regexp.MustCompile("(?ms)^```(\\w+)(?: (\\S+))?\n(.*?)^```$").FindAllSubmatchIndex(page, -1) {
		b := block{kind: string(page[found[2]:found[3]]), text: string(page[found[6]:found[7]]), line: bytes.Count(page[:found[0]], []byte("\n")) + 1}
		if found[4] >= 0 {
			b.file = string(page[found[4]:found[5]])
		}
		all = append(all, b)
	}
	return all
}

// readManual runs a page against a database. It returns the reader, who still has what the page has started.
func readManual(t *testing.T, name string, db *schematest.Database, env map[string]string) *manual {
	t.Helper()
	m := &manual{t: t, db: db, folder: t.TempDir(), printed: rowcalltest.NewOutput()}
	if err := os.Symlink(os.Getenv("ROWCALL_TEST_PROGRAM"), filepath.Join(m.folder, "rowcall")); err != nil {
		t.Fatal(err)
	}
	m.env = map[string]string{"ROWCALL_DATABASE_URL": db.URL, "ROWCALL_HTTP_ADDR": "127.0.0.1:0"}
	for key, value := range env {
		m.env[key] = value
	}
	t.Cleanup(m.stop)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("it printed:\n%s", m.printed)
		}
	})
	blocks := blocksOf(t, name)
	if len(blocks) == 0 {
		t.Fatalf("%s has no blocks", name)
	}
	for _, b := range blocks {
		t.Logf("%s:%d %s %s", name, b.line, b.kind, b.file)
		m.run(b)
	}
	return m
}

func (m *manual) run(b block) {
	m.t.Helper()
	switch {
	case b.kind == "sql":
		fmt.Fprint(m.printed, m.db.Psql(m.t, strings.ReplaceAll(b.text, "DATABASE shop ", "DATABASE "+m.db.Name+" ")))
	case b.kind == "sh" && b.file == "stays":
		m.start(b.text)
	case b.kind == "sh":
		m.script(b.text)
	case b.kind == "yaml":
		m.edit(b)
	case b.kind == "ts":
		m.write(b.file, b.text)
		m.compile()
	case b.kind == "python":
		m.write(b.file, b.text)
	case b.kind == "text":
		m.expect(b)
	}
}

// addressOfShop is the address of the database in the manual, with its role.
var addressOfShop = regexp.MustCompile(`postgres://(?:\w+:secret|me)@localhost/shop`)

// shop is the address of the test's database for the role in an address of the manual.
func (m *manual) shop(address string) string {
	of, err := url.Parse(address)
	if err != nil {
		m.t.Fatal(err)
	}
	to, err := url.Parse(m.db.URL)
	if err != nil {
		m.t.Fatal(err)
	}
	if of.User.Username() != "me" {
		to.User = of.User
	}
	return to.String()
}

// shell returns a command that runs a script. Addresses in it are those of the test.
func (m *manual) shell(script string) *exec.Cmd {
	script = addressOfShop.ReplaceAllStringFunc(script, m.shop)
	if m.address != "" {
		script = strings.ReplaceAll(script, "http://127.0.0.1:8080/", m.address)
	}
	cmd := exec.CommandContext(m.t.Context(), "bash", "-ec", "exec 2>&1; "+script)
	cmd.Dir = m.folder
	cmd.Env = append(os.Environ(), "PATH="+m.folder+":"+filepath.Dir(m.db.Cluster.PsqlProgram())+":"+cmp.Or(m.env["PATH"], os.Getenv("PATH")))
	for name, value := range m.env {
		if name != "PATH" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	return cmd
}

func (m *manual) script(text string) {
	m.t.Helper()
	if strings.HasPrefix(text, "rowcall uninstall") || strings.HasPrefix(text, "rowcall init") {
		m.stop()
	}
	out, err := m.shell(text).CombinedOutput()
	status := 0
	if err != nil {
		status = -1
	}
	if exit, ok := err.(*exec.ExitError); ok {
		status = exit.ExitCode()
	}
	if status != 0 && !(status == 2 && strings.Contains(text, "rowcall plan")) {
		m.t.Fatalf("%s: %v\n%s", text, err, out)
	}
	fmt.Fprintf(m.printed, "%s\n", out)
}

// start starts a program that stays until the test ends.
func (m *manual) start(text string) {
	m.t.Helper()
	cmd := m.shell("exec env " + text)
	cmd.Stdout, cmd.Stderr = m.printed, m.printed
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.stays = append(m.stays, cmd)
	switch {
	case strings.Contains(text, "rowcall serve"):
		m.address = m.printed.After(m.t, "Rowcall serves", make(chan error))
	case strings.Contains(text, "/v1/sse"):
		rowcalltest.Eventually(m.t, func() bool { return strings.Contains(m.printed.String()[m.read:], "retry: ") }, "the stream does not begin")
	}
}

// stop stops the programs that stay.
func (m *manual) stop() {
	for _, cmd := range m.stays {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // curl ends with the status of an interrupt
	}
	m.stays = nil
}

// edit replaces the part of a file that begins with the same key.
func (m *manual) edit(b block) {
	m.t.Helper()
	there, err := os.ReadFile(filepath.Join(m.folder, b.file))
	if err != nil {
		m.write(b.file, b.text)
		return
	}
	key, _, _ := strings.Cut(b.text, "\n")
	part := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(key) + `\n(?:[ #-].*\n|\n)*`)
	if !part.Match(there) {
		m.t.Fatalf("%s has no part %s", b.file, key)
	}
	m.write(b.file, string(part.ReplaceAllLiteral(there, []byte(b.text+"\n"))))
}

func (m *manual) write(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.folder, name), []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// compile compiles the TypeScript of the folder.
func (m *manual) compile() {
	m.t.Helper()
	p := typedProject{folder: m.folder}
	p.configure(m.t)
	if said := p.compile(m.t); said != "" {
		m.t.Errorf("the compiler says:\n%s", said)
	}
}

// expect waits for lines in what was printed.
func (m *manual) expect(b block) {
	m.t.Helper()
	for line := range strings.Lines(b.text) {
		wanted := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(line)), regexp.QuoteMeta("..."), ".*")
		if m.address != "" {
			wanted = strings.ReplaceAll(wanted, regexp.QuoteMeta("http://127.0.0.1:8080/"), regexp.QuoteMeta(m.address))
		} else {
			wanted = strings.ReplaceAll(wanted, "8080", "[0-9]+")
		}
		form := regexp.MustCompile(wanted)
		var at []int
		found := func() bool {
			at = form.FindStringIndex(m.printed.String()[m.read:])
			return at != nil
		}
		rowcalltest.Eventually(m.t, found, fmt.Sprintf("line %d: nothing prints %s", b.line, line))
		m.read += at[1]
	}
}

// TestTutorial does what docs/tutorial.md says. It is not parallel, because other tests install the build tools too.
func TestTutorial(t *testing.T) {
	installClient(t, t.Context())
	db := schematest.New(t, schematest.Empty)
	readManual(t, "../../docs/tutorial.md", db, nil)
	if there := db.Text(t, `SELECT to_regnamespace('rowcall') IS NOT NULL`); there != "false" {
		t.Error("rowcall uninstall has left schema rowcall")
	}
}

// TestHowTos does what the pages of docs/howto say.
func TestHowTos(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/howto/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no how-tos: %v", err)
	}
	for _, page := range pages {
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			db := schematest.New(t, schematest.Empty)
			readManual(t, page, db, exports(t, filepath.Base(page), db))
		})
	}
}

// exports returns the variables that a page exports. For the one about Django there is a Python that has it before others.
func exports(t *testing.T, page string, db *schematest.Database) map[string]string {
	t.Helper()
	switch page {
	case "postgrest.md":
		return map[string]string{"ROWCALL_AUTH_JWT_KEY": "the-secret-of-both-has-32-bytes-or-more"}
	case "django.md":
		python, err := exec.LookPath(rowcalltest.DjangoPython(t))
		if err != nil {
			t.Fatal(err)
		}
		at, err := url.Parse(db.URL)
		if err != nil {
			t.Fatal(err)
		}
		at.User = url.UserPassword("shop_site", "secret")
		return map[string]string{"DATABASE_URL": at.String(), "ROWCALL_DATABASE_URL": at.String(), "PATH": filepath.Dir(python) + ":" + os.Getenv("PATH")}
	}
	return nil
}
