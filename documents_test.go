package rowcall_test

import (
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every promise that is made names a test that would fail if it were broken.
func TestPromisesNameTheirTests(t *testing.T) {
	tests := map[string]bool{}
	for _, f := range sources(t) {
		for _, declaration := range f.Decls {
			if d, ok := declaration.(*ast.FuncDecl); ok && f.test {
				tests[d.Name.Name] = true
			}
		}
	}
	for _, name := range []string{"docs/guarantees.md", "docs/security.md"} {
		for word := range strings.FieldsFuncSeq(read(t, name), func(r rune) bool { return !isWord(r) }) {
			if (strings.HasPrefix(word, "Test") || strings.HasPrefix(word, "Fuzz")) && !tests[word] {
				t.Errorf("%s names %s, and there is no such test", name, word)
			}
		}
	}
}

// An operator who reads a warning finds out what it asks of them.
func TestOperationsTellOfEveryWarning(t *testing.T) {
	page := read(t, "docs/operations.md")
	for _, f := range sources(t) {
		if f.test || f.folder == "cmd/bench" || f.folder == "cmd/e2e/rowcalltest" {
			continue
		}
		for _, line := range warnings(f.File) {
			if !strings.Contains(page, "`"+line+"`") {
				t.Errorf("%s logs %q: say in docs/operations.md what that asks of an operator", f.name, line)
			}
		}
	}
}

// warnings are the constant texts that a file logs at the levels warn and error.
func warnings(f *ast.File) []string {
	var lines []string
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		text, isText := call.Args[0].(*ast.BasicLit)
		if ok && isText && text.Kind == token.STRING && (method.Sel.Name == "Warn" || method.Sel.Name == "Error") {
			line, _ := strconv.Unquote(text.Value)
			lines = append(lines, line)
		}
		return true
	})
	return lines
}

// Links between documents lead to files and headings that are there.
func TestLinksLead(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	walk(t, func(name string, entry fs.DirEntry) {
		if path.Ext(name) != ".md" {
			return
		}
		for _, found := range link.FindAllStringSubmatch(read(t, name), -1) {
			target, anchor, _ := strings.Cut(found[1], "#")
			if strings.Contains(target, ":") {
				continue
			}
			file := name
			if target != "" {
				file = path.Join(path.Dir(name), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %s leads nowhere", name, found[1])
			} else if anchor != "" && !slices.Contains(anchors(read(t, file)), anchor) {
				t.Errorf("%s: %s has no such heading", name, found[1])
			}
		}
	})
}

// anchors are what the headings of a page are linked by.
func anchors(page string) []string {
	dropped := regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	var found []string
	for line := range strings.Lines(page) {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			words := dropped.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")
			found = append(found, strings.ReplaceAll(words, " ", "-"))
		}
	}
	return found
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func isWord(r rune) bool {
	return r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}
