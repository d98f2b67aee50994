// Package firstconfig writes the first configuration file for a database that others have made. It
// reads the catalog, finds the table of users, and explains in comments what it found and what is
// still to be decided. It changes nothing in the database.
package firstconfig

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/jackc/pgx/v5"

	"rowcall/config"
	"rowcall/config/rules"
)

// Options are what the file says besides what is found in the database.
type Options struct {
	Addr     string   // host and port to serve on
	Plain    bool     // another program in front speaks https
	Origins  []string // pages that may connect
	Migrates bool     // the role of the connection also migrates
}

// Findings are what Read finds in a database.
type Findings struct {
	role       string
	database   string
	installed  bool     // Rowcall has its schema already
	mayCreate  bool     // the role may create that schema
	sessions   []string // Django's table of sessions, behind its schema; empty: there is none
	users      *usersTable
	others     []usersTable // that could hold the users too
	unreadable []usersTable // likewise, but the role may not read them
	tables     []example    // that can be declared
	moreTables int          // that can be declared too, but that the file does not name
}

const readDatabase = `
SELECT current_user::text, current_database()::text, to_regclass('rowcall.core_migrations') IS NOT NULL,
       has_database_privilege(current_database(), 'CREATE') OR EXISTS (
           SELECT FROM pg_namespace WHERE nspname = 'rowcall' AND pg_has_role(nspowner, 'USAGE')),
       coalesce((SELECT ARRAY[n.nspname::text, c.relname::text] FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.relname = 'django_session' AND c.relkind IN ('r', 'p')
                 ORDER BY n.nspname <> ALL (current_schemas(false)), n.nspname LIMIT 1), '{}')`

// Read looks at a database. It needs no rights but to connect.
func Read(ctx context.Context, conn *pgx.Conn) (*Findings, error) {
	f := &Findings{}
	err := conn.QueryRow(ctx, readDatabase).Scan(&f.role, &f.database, &f.installed, &f.mayCreate, &f.sessions)
	if err != nil {
		return nil, fmt.Errorf("looking at the database: %w", err)
	}
	candidates, err := readCandidates(ctx, conn)
	if err != nil {
		return nil, err
	}
	for _, c := range candidates {
		switch {
		case !c.readable():
			f.unreadable = append(f.unreadable, c)
		case f.users == nil && c.likely():
			f.users = &c
		default:
			f.others = append(f.others, c)
		}
	}
	if err := f.readExamples(ctx, conn); err != nil {
		return nil, err
	}
	return f, nil
}

// Summary says which table of users was found, or that none was.
func (f *Findings) Summary() string {
	if f.users == nil {
		return "No table of users was found: users come with bearer tokens (auth.jwt)."
	}
	return "The table of users is " + f.users.Written() + " (auth.users)."
}

// Examples returns how many tables the file names in its examples of declarations.
func (f *Findings) Examples() int { return len(f.tables) }

//go:embed rowcall.yaml.tmpl
var fileTemplate string

// File returns the text of the configuration file. The error is a rules.Problems if the options are
// no valid settings.
func (f *Findings) File(o Options) ([]byte, error) {
	functions := template.FuncMap{"yaml": yamlText, "sql": sqlName, "plain": commentText}
	parsed, err := template.New("rowcall.yaml").Funcs(functions).Parse(fileTemplate)
	if err != nil {
		return nil, fmt.Errorf("reading the template of the file: %w", err)
	}
	var text bytes.Buffer
	if err := parsed.Execute(&text, f.templateFields(o)); err != nil {
		return nil, fmt.Errorf("writing the file: %w", err)
	}
	if _, err := config.Load(config.Sources{Default: text.Bytes()}); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// templateFields are the values that rowcall.yaml.tmpl uses.
type templateFields struct {
	Options
	Role, Database            string
	MayMigrate                bool
	Sessions                  string
	Users                     *usersTable
	Others                    []string
	Unreadable                []usersTable
	UserKind, UserPlaceholder string
	Tables                    []example
	MoreTables                int
}

func (f *Findings) templateFields(o Options) templateFields {
	s := templateFields{
		Options: o, Role: f.role, Database: f.database, MayMigrate: f.installed || f.mayCreate || !o.Migrates,
		Users: f.users, Unreadable: f.unreadable, UserPlaceholder: "{customer}",
		Tables: f.tables, MoreTables: f.moreTables,
	}
	if f.users != nil {
		if f.users.Name == "auth_user" || f.users.columnNamed("last_login") != nil {
			s.Sessions = rules.WriteName(f.sessions)
		}
		if s.UserKind = string(rules.KindOfIDs(f.users.columnNamed(f.users.ID).Type)); s.UserKind != "text" {
			s.UserPlaceholder = "{customer:" + s.UserKind + "}"
		}
	}
	for _, other := range f.others {
		s.Others = append(s.Others, commentText(other.Written()))
	}
	return s
}

// yamlText writes a text as a value of YAML. The escapes of a quoted text in Go are those of YAML.
func yamlText(text string) string {
	plainWord := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./:-]*$`)
	words := []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
	if plainWord.MatchString(text) && !strings.HasSuffix(text, ":") && !slices.Contains(words, strings.ToLower(text)) {
		return text
	}
	return strconv.Quote(text)
}

// commentText writes a name inside a comment, where a line break would end the comment.
func commentText(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}

// sqlName writes a name as an identifier inside a comment.
func sqlName(parts ...string) string { return commentText(pgx.Identifier(parts).Sanitize()) }
