package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// MinMajor is the oldest major version of PostgreSQL that Rowcall works with.
const MinMajor = 14

// ErrNoBinaries says that the machine has no PostgreSQL server that can be used.
var ErrNoBinaries = errors.New("no PostgreSQL server was found on this machine")

// Binaries is a folder with a PostgreSQL server's programs.
type Binaries struct {
	Dir     string
	Version string // as it calls itself, such as 15.4
	Major   int
}

// usualFolders are where packages and installers put the server's programs.
var usualFolders = []string{
	"/usr/lib/postgresql/*/bin",                             // Debian, Ubuntu
	"/usr/pgsql-*/bin",                                      // Red Hat, packages of postgresql.org
	"/usr/lib/postgresql*/bin",                              // SUSE
	"/usr/lib64/postgresql-*/bin",                           // Gentoo
	"/usr/libexec/postgresql*",                              // Alpine
	"/usr/local/pgsql/bin",                                  // built from source
	"/opt/homebrew/opt/postgresql*/bin",                     // Homebrew on Apple silicon
	"/usr/local/opt/postgresql*/bin",                        // Homebrew on Intel
	"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",        // Homebrew on Linux
	"/Applications/Postgres.app/Contents/Versions/*/bin",    // Postgres.app
	"/Library/PostgreSQL/*/bin",                             // EDB installer
	"/opt/local/lib/postgresql*/bin",                        // MacPorts
	"/usr/local/lib/postgresql*/bin", "/usr/local/libexec/", // BSD
}

// Find returns the newest PostgreSQL of the machine, looking in PATH and the usual folders. The
// environment variable ROWCALL_PG_BIN names a folder to take instead. The error is ErrNoBinaries,
// saying what was found that is too old, or tells what is wrong with ROWCALL_PG_BIN.
func Find(ctx context.Context) (Binaries, error) {
	if dir := os.Getenv("ROWCALL_PG_BIN"); dir != "" {
		bin, err := inspect(ctx, dir)
		if err != nil {
			return Binaries{}, fmt.Errorf("ROWCALL_PG_BIN names a folder without a PostgreSQL server: %w", err)
		}
		return bin, nil
	}
	all := installed(ctx)
	if len(all) == 0 {
		return Binaries{}, ErrNoBinaries
	}
	if all[0].Major < MinMajor {
		return Binaries{}, fmt.Errorf("%w but PostgreSQL %s in %s, which is too old: Rowcall needs %d or newer",
			ErrNoBinaries, all[0].Version, all[0].Dir, MinMajor)
	}
	return all[0], nil
}

// installed lists every PostgreSQL server of the machine, newest first.
func installed(ctx context.Context) []Binaries {
	var all []Binaries
	for _, dir := range candidates() {
		if bin, err := inspect(ctx, dir); err == nil {
			all = append(all, bin)
		}
	}
	slices.SortStableFunc(all, func(a, b Binaries) int {
		return cmp.Or(cmp.Compare(b.Major, a.Major), cmp.Compare(b.minor(), a.minor()))
	})
	return all
}

// candidates are the folders to look into, each once, PATH first.
func candidates() []string {
	dirs := filepath.SplitList(os.Getenv("PATH"))
	for _, pattern := range usualFolders {
		matches, _ := filepath.Glob(pattern)
		dirs = append(dirs, matches...)
	}
	var all []string
	for _, dir := range dirs {
		dir = home(dir)
		if dir != "" && !slices.Contains(all, dir) {
			all = append(all, dir)
		}
	}
	return all
}

// home is the folder in which a folder's server really lives: what PATH leads to is often a link.
// It is empty where there is no server.
func home(dir string) string {
	real, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	if err != nil {
		return ""
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(real), "initdb")); err != nil {
		return dir
	}
	return filepath.Dir(real)
}

// versionLine is what `postgres --version` prints, whoever packaged it.
var versionLine = regexp.MustCompile(`^postgres \([^)]*\) (([0-9]+)[^ \n]*)`)

// inspect looks at one folder. A server without initdb is of no use.
func inspect(ctx context.Context, dir string) (Binaries, error) {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return Binaries{}, err
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return Binaries{}, fmt.Errorf("ask %s for its version: %w", filepath.Join(dir, "postgres"), err)
	}
	match := versionLine.FindSubmatch(out)
	if match == nil {
		return Binaries{}, fmt.Errorf("read the version of %s: it says %q", filepath.Join(dir, "postgres"), oneLine(string(out)))
	}
	major, err := strconv.Atoi(string(match[2]))
	if err != nil {
		return Binaries{}, fmt.Errorf("read the version of %s: %w", filepath.Join(dir, "postgres"), err)
	}
	return Binaries{Dir: dir, Version: string(match[1]), Major: major}, nil
}

// minor is the number after the major version; 0 for a beta.
func (b Binaries) minor() int {
	_, rest, _ := strings.Cut(b.Version, ".")
	number, _ := strconv.Atoi(rest)
	return number
}

// tool is the path of one of the server's programs.
func (b Binaries) tool(name string) string { return filepath.Join(b.Dir, name) }

// Psql is the word that starts psql in a shell of this machine: just psql where PATH leads to one,
// else the path of the one beside the server. It is empty where there is none.
func (b Binaries) Psql() string {
	if _, err := exec.LookPath("psql"); err == nil {
		return "psql"
	}
	if path := b.tool("psql"); isFile(path) {
		return path
	}
	return ""
}

func isFile(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
