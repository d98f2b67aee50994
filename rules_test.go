// Package rowcall_test holds the rules of this repository that a reader could check by hand, and
// would one day forget to.
package rowcall_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport says which of our packages each of our packages may import. A new package gets a line
// here before it gets users.
func mayImport() map[string][]string {
	return map[string][]string{
		"cmd/e2e":                  {},
		"cmd/e2e/pages":            {},
		"cmd/e2e/sites":            {},
		"cmd/e2e/versions":         {},
		"cmd/e2e/rowcalltest":      {"config", "schema/schematest", "testbrowser", "testdeadline"},
		"cmd/bench":                {"cmd/internal/node", "config", "config/rules", "notifier", "notifier/dbconn", "notifier/topic", "schema/cluster"},
		"cmd/rowcall":              {"api", "cmd/internal/doctor", "cmd/internal/explain", "cmd/internal/firstconfig", "cmd/internal/grants", "cmd/internal/node", "cmd/internal/typescript", "cmd/internal/watch", "config", "schema/cluster", "triggers/tables"},
		"cmd/internal/doctor":      {"cmd/internal/node", "config", "config/rules", "notifier", "notifier/dbconn", "notifier/topic", "schema", "triggers", "triggers/tables"},
		"cmd/internal/explain":     {"api/identity", "api/problem", "cmd/internal/node", "config", "config/rules", "notifier", "notifier/topic"},
		"cmd/internal/watch":       {"api/identity", "api/problem", "cmd/internal/node", "config", "config/rules", "notifier", "notifier/topic", "triggers/tables"},
		"cmd/internal/grants":      {"config", "config/rules", "schema"},
		"cmd/internal/firstconfig": {"config", "config/rules", "notifier/topic"},
		"cmd/internal/typescript":  {"triggers/tables"},
		"cmd/internal/node":        {"cmd/internal/typescript", "api", "api/access", "api/door", "api/identity", "api/problem", "api/resource", "api/upkeep", "config", "config/rules", "notifier", "notifier/dbconn", "notifier/topic", "schema", "triggers", "triggers/tables", "web"},

		"api":          {"api/access", "api/door", "api/identity", "api/problem", "api/resource", "api/upkeep", "config/rules", "notifier", "notifier/dbconn", "notifier/filter", "notifier/topic"},
		"api/resource": {"api/access", "api/identity", "api/problem", "api/upkeep", "config/rules", "notifier", "notifier/dbconn", "notifier/topic"},
		"api/access":   {"api/identity", "api/problem", "api/upkeep", "config/rules", "notifier", "notifier/dbconn", "notifier/filter", "notifier/topic"},
		"api/identity": {"api/door", "api/problem", "api/upkeep", "config/rules", "notifier", "notifier/dbconn", "notifier/topic"},
		"api/door":     {"api/problem", "config/rules", "notifier"},
		"api/upkeep":   {"api/problem", "notifier/dbconn"},
		"api/problem":  {"notifier", "notifier/topic"},

		"api/apitest":             {"config/rules", "schema/schematest", "testdeadline"},
		"api/door/doortest":       {"api/door"},
		"api/identity/issuertest": {},

		"notifier":          {"notifier/dbconn", "notifier/topic"},
		"notifier/dbconn":   {},
		"notifier/filter":   {},
		"notifier/topic":    {},
		"config":            {"config/rules"},
		"config/rules":      {"notifier/filter", "notifier/topic"},
		"schema":            {},
		"schema/cluster":    {},
		"schema/schematest": {"schema", "schema/cluster", "triggers", "testdeadline"},
		"testbrowser":       {"testdeadline"},
		"testdeadline":      {},
		"triggers":          {},
		"triggers/tables":   {"config/rules", "notifier/filter", "notifier/topic", "triggers"},
		"web":               {},
	}
}

// testsMayImport says what the tests of a folder may import besides.
func testsMayImport(folder string) []string {
	packages := []string{"api/apitest", "api/door/doortest", "api/identity/issuertest", "schema", "schema/schematest", "schema/cluster", "triggers", "testbrowser", "testdeadline"}
	if strings.HasPrefix(folder, "api/") {
		packages = append(packages, "api/door", "api/identity") // what makes accounts
	}
	if strings.HasPrefix(folder, "cmd/") {
		packages = append(packages, "cmd/e2e/rowcalltest")
	}
	return packages
}

// file is one parsed Go file of the repository.
type file struct {
	*ast.File
	name   string // slash-separated, from the root
	folder string
	test   bool
}

// imports are the file's imports, ours without the module's name.
func (f file) imports() []string {
	var paths []string
	for _, spec := range f.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		paths = append(paths, name)
	}
	return paths
}

// sources parses every Go file of the repository.
func sources(t *testing.T) []file {
	t.Helper()
	var all []file
	walk(t, func(name string, entry fs.DirEntry) {
		if entry.IsDir() || path.Ext(name) != ".go" {
			return
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, file{parsed, name, path.Dir(name), strings.HasSuffix(name, "_test.go")})
	})
	return all
}

// walk visits every file and folder of the repository, but not what tools leave there.
func walk(t *testing.T, visit func(name string, entry fs.DirEntry)) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && name != "."
		if entry.IsDir() && (hidden || slices.Contains([]string{"node_modules", "testdata", "bin"}, entry.Name())) {
			return fs.SkipDir
		}
		visit(filepath.ToSlash(name), entry)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImports(t *testing.T) {
	allowed := mayImport()
	for _, f := range sources(t) {
		known, ok := allowed[f.folder]
		if !ok && !f.test {
			t.Errorf("%s: package %s is not in mayImport: add it there, with what it may import", f.name, f.folder)
			continue
		}
		if f.test {
			known = slices.Concat(known, testsMayImport(f.folder), []string{f.folder})
		}
		for _, name := range f.imports() {
			if ours, isOurs := strings.CutPrefix(name, "rowcall/"); isOurs && !slices.Contains(known, ours) && ok {
				t.Errorf("%s imports %s, which %s may not", f.name, ours, f.folder)
			}
		}
	}
}

// Some packages stay with one of ours, so that the rest can be read without knowing them.
func TestForeignImports(t *testing.T) {
	home := map[string][]string{
		"github.com/spf13/viper":                     {"config"},
		"github.com/spf13/cobra":                     {"cmd/rowcall"},
		"github.com/pressly/goose/v3":                {"schema"},
		"github.com/gorilla/websocket":               {"api", "cmd/e2e/rowcalltest", "cmd/bench"},
		"github.com/golang-jwt/jwt/v5":               {"api/identity", "api/identity/issuertest"},
		"github.com/prometheus/client_golang":        {"api"},
		"github.com/MicahParks/keyfunc/v3":           {"api/identity"},
		"github.com/MicahParks/jwkset":               {"api/identity", "api/identity/issuertest"},
		"github.com/fergusstrange/embedded-postgres": {"schema/cluster"},
		"net/http": {
			"api", "api/apitest", "api/door", "api/identity", "api/identity/issuertest", "api/problem", "api/resource",
			"web", "cmd/bench", "cmd/e2e/rowcalltest",
		},
	}
	for _, f := range sources(t) {
		for _, name := range f.imports() {
			for foreign, homes := range home {
				if (name == foreign || strings.HasPrefix(name, foreign+"/")) && !f.test && !slices.Contains(homes, f.folder) {
					t.Errorf("%s imports %s, which only %s may", f.name, name, strings.Join(homes, ", "))
				}
			}
			if f.folder == "notifier" && !f.test && strings.Contains(strings.Split(name, "/")[0], ".") &&
				!strings.HasPrefix(name, "github.com/jackc/pgx/v5") {
				t.Errorf("%s imports %s: notifier needs pgx and the standard library only", f.name, name)
			}
			if (f.folder == "notifier/topic" || f.folder == "notifier/filter") && !f.test && strings.Contains(strings.Split(name, "/")[0], ".") {
				t.Errorf("%s imports %s: %s needs the standard library only", f.name, name, f.folder)
			}
		}
	}
}

func TestPackageComments(t *testing.T) {
	said := map[string]bool{}
	for _, f := range sources(t) {
		if !f.test {
			said[f.folder] = said[f.folder] || f.Doc != nil
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(said)) {
		if !said[folder] {
			t.Errorf("package %s has no comment that says what it is for", folder)
		}
	}
}

// A test that sleeps is either slow or wrong: wait for what should happen, with a deadline. The
// clock of a synctest bubble is another matter: it moves at once.
func TestNobodySleeps(t *testing.T) {
	for _, f := range sources(t) {
		inBubble := slices.Contains(f.imports(), "testing/synctest")
		if !f.test && f.folder != "schema/schematest" && f.folder != "cmd/e2e/rowcalltest" || inBubble {
			continue
		}
		ast.Inspect(f.File, func(n ast.Node) bool {
			if call, ok := n.(*ast.SelectorExpr); ok && call.Sel.Name == "Sleep" {
				if from, ok := call.X.(*ast.Ident); ok && from.Name == "time" {
					t.Errorf("%s sleeps", f.name)
				}
			}
			return true
		})
	}
}

// State that no constructor made belongs to nobody. Tables and expressions that nobody changes are
// constants that Go has no word for.
func TestNoHiddenState(t *testing.T) {
	for _, f := range sources(t) {
		if f.test || strings.HasSuffix(f.folder, "test") || f.folder == "testdeadline" {
			continue
		}
		for _, declaration := range f.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					t.Errorf("%s has an init function", f.name)
				}
			case *ast.GenDecl:
				for _, name := range hiddenState(d) {
					t.Errorf("%s: variable %s is neither an error, a table, embedded, nor a guard", f.name, name)
				}
			}
		}
	}
}

// hiddenState returns the variables of a declaration that are state or could become it.
func hiddenState(d *ast.GenDecl) []string {
	var names []string
	for _, spec := range d.Specs {
		variable, ok := spec.(*ast.ValueSpec)
		if !ok || d.Tok != token.VAR || embedded(d.Doc) || embedded(variable.Doc) {
			continue
		}
		for i, name := range variable.Names {
			harmless := name.Name == "_" || i < len(variable.Values) && constant(variable.Values[i])
			if !harmless {
				names = append(names, name.Name)
			}
		}
	}
	return names
}

// constant reports whether a value is an error, a compiled expression or a table.
func constant(value ast.Expr) bool {
	switch v := value.(type) {
	case *ast.CallExpr:
		made, ok := v.Fun.(*ast.SelectorExpr)
		return ok && slices.Contains([]string{"New", "Errorf", "MustCompile"}, made.Sel.Name)
	case *ast.SelectorExpr: // another package's error, under a name of this one
		return strings.HasPrefix(v.Sel.Name, "Err")
	case *ast.CompositeLit:
		switch v.Type.(type) {
		case *ast.ArrayType, *ast.MapType:
			return true
		}
	}
	return false
}

func embedded(comments *ast.CommentGroup) bool {
	return comments != nil && slices.ContainsFunc(comments.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//go:embed ")
	})
}

// A folder is named after what is in it, not after its being of use to others.
func TestFolderNames(t *testing.T) {
	vague := []string{"util", "utils", "common", "helpers", "models", "pkg", "mocks"}
	walk(t, func(name string, entry fs.DirEntry) {
		if entry.IsDir() && slices.Contains(vague, entry.Name()) {
			t.Errorf("%s: name the folder after what is in it", name)
		}
	})
}
