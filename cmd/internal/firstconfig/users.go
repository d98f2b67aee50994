package firstconfig

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"rowcall/config/rules"
)

// usersTable is a table that may hold the users, with the columns that seem to be meant by the
// settings of auth.users.
type usersTable struct {
	Schema string
	Name   string

	ID, Username    string
	Password        string // empty: there is no such column
	Active, Staff   string // likewise
	LoginIsUnique   bool   // no two rows have the same Username
	SchemaIsUsable  bool   // by the role
	columns         []column
	inSearchPath    bool
	passwordIsClear bool // the name of the column says nothing but password
}

// Written returns the name as the configuration takes it.
func (t *usersTable) Written() string { return rules.WriteName([]string{t.Schema, t.Name}) }

// column is a column of a table that may hold the users.
type column struct {
	Name     string
	Type     string // without its length; of a domain, the type behind it
	Category string // pg_type.typcategory: S for text, B for booleans
	Readable bool   // by the role
	Primary  bool   // the column alone is the primary key
	Unique   bool   // the column alone is unique
	Required bool   // NOT NULL
}

// The names of columns and tables, in the form of lettersOf. The first ones count most.

func loginNames() []string {
	return []string{"username", "login", "loginname", "userlogin", "useremail", "email", "emailaddress", "mail", "mailaddress", "nickname", "handle"}
}

// vagueLoginNames count beside a column that is clearly one of passwords.
func vagueLoginNames() []string { return []string{"name", "accountname", "fullname"} }

func passwordNames() []string {
	return []string{"password", "passwordhash", "hashedpassword", "encryptedpassword", "passworddigest", "cryptedpassword",
		"userpassword", "passwd", "passwdhash", "pwhash", "passhash", "pwd"}
}

// vaguePasswordNames count beside a column that is clearly one of logins.
func vaguePasswordNames() []string { return []string{"hash"} }

func activeNames() []string { return []string{"isactive", "active", "enabled", "isenabled"} }

func staffNames() []string {
	return []string{"isstaff", "staff", "isadmin", "admin", "issuperuser", "superuser"}
}

// tableNames say that a table holds users, besides names that end in user or account.
func tableNames() []string {
	return []string{"people", "person", "persons", "member", "members", "customer", "customers", "employee", "employees", "login", "logins", "profile", "profiles"}
}

// lettersOf brings a name to the form of the lists.
func lettersOf(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("_- .", r) {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// readColumns reads the columns of the tables that have a column of text whose name is in a list, and
// a column that is a key alone. Partitions are left out, since their table stands for them.
const readColumns = `
WITH keys AS (
    SELECT i.indrelid AS table, i.indkey[0] AS number, bool_or(i.indisprimary) AS primary
    FROM pg_index i
    WHERE i.indisunique AND i.indisvalid AND i.indnkeyatts = 1 AND i.indpred IS NULL AND i.indkey[0] > 0
    GROUP BY 1, 2
), found AS (
    SELECT c.oid, c.relname, n.nspname, n.oid AS schema
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'rowcall') AND n.nspname !~ '^pg_toast'
      AND EXISTS (SELECT FROM keys k JOIN pg_attribute a ON a.attrelid = k.table AND a.attnum = k.number
                  WHERE k.table = c.oid AND (k.primary OR a.attnotnull))
      AND EXISTS (SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND t.typcategory = 'S'
                    AND translate(lower(a.attname), '_- .', '') = ANY ($1))
)
SELECT f.nspname::text, f.relname::text, f.nspname = ANY (current_schemas(false)), has_schema_privilege(f.schema, 'USAGE'),
       a.attname::text, format_type(b.oid, NULL), t.typcategory::text, has_column_privilege(f.oid, a.attnum, 'SELECT'),
       coalesce(k.primary, false), k.table IS NOT NULL, a.attnotnull
FROM found f JOIN pg_attribute a ON a.attrelid = f.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
CROSS JOIN ` + rules.TypeBehindDomain + ` b
LEFT JOIN keys k ON k.table = f.oid AND k.number = a.attnum
ORDER BY f.nspname, f.relname, a.attnum`

// readCandidates returns the tables that may hold the users, the likeliest first.
func readCandidates(ctx context.Context, conn *pgx.Conn) ([]usersTable, error) {
	rows, err := conn.Query(ctx, readColumns, slices.Concat(loginNames(), vagueLoginNames()))
	if err != nil {
		return nil, fmt.Errorf("looking for the table of users: %w", err)
	}
	var all []usersTable
	var t usersTable
	var c column
	_, err = pgx.ForEachRow(rows, []any{&t.Schema, &t.Name, &t.inSearchPath, &t.SchemaIsUsable,
		&c.Name, &c.Type, &c.Category, &c.Readable, &c.Primary, &c.Unique, &c.Required}, func() error {
		if n := len(all); n == 0 || all[n-1].Schema != t.Schema || all[n-1].Name != t.Name {
			all = append(all, t)
		}
		last := &all[len(all)-1]
		last.columns = append(last.columns, c)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for the table of users: %w", err)
	}
	for i := range all {
		all[i].nameColumns()
	}
	all = slices.DeleteFunc(all, func(t usersTable) bool { return t.ID == "" || t.Username == "" })
	slices.SortStableFunc(all, func(a, b usersTable) int { return cmp.Compare(b.score(), a.score()) })
	return all, nil
}

// nameColumns decides which column each setting means.
func (t *usersTable) nameColumns() {
	for _, c := range t.columns {
		isKey := c.Primary || c.Unique && c.Required && t.primary() == nil
		if isKey && t.ID == "" {
			t.ID = c.Name
		}
	}
	t.Password = t.find(passwordNames(), "S")
	t.passwordIsClear = t.Password != ""
	t.Username = t.findLogin()
	if t.Username == "" && t.passwordIsClear {
		t.Username = t.find(vagueLoginNames(), "S")
	}
	if t.Username != "" && t.Password == "" {
		t.Password = t.find(vaguePasswordNames(), "S")
	}
	if login := t.columnNamed(t.Username); login != nil {
		t.LoginIsUnique = login.Unique
	}
	t.Active, t.Staff = t.find(activeNames(), "B"), t.find(staffNames(), "B")
}

func (t *usersTable) primary() *column {
	at := slices.IndexFunc(t.columns, func(c column) bool { return c.Primary })
	if at < 0 {
		return nil
	}
	return &t.columns[at]
}

// columnNamed returns a column by its name; nil if there is none.
func (t *usersTable) columnNamed(name string) *column {
	at := slices.IndexFunc(t.columns, func(c column) bool { return c.Name == name })
	if at < 0 {
		return nil
	}
	return &t.columns[at]
}

// find returns the column of a category whose name stands first in a list; empty if there is none.
func (t *usersTable) find(names []string, category string) string {
	for _, name := range names {
		for _, c := range t.columns {
			if c.Category == category && lettersOf(c.Name) == name {
				return c.Name
			}
		}
	}
	return ""
}

// findLogin prefers a column in which no name occurs twice.
func (t *usersTable) findLogin() string {
	unique := *t
	unique.columns = slices.DeleteFunc(slices.Clone(t.columns), func(c column) bool { return !c.Unique })
	return cmp.Or(unique.find(loginNames(), "S"), t.find(loginNames(), "S"))
}

// namedForUsers reports whether the name of the table says that it holds users.
func (t *usersTable) namedForUsers() bool {
	name := lettersOf(t.Name)
	for _, end := range []string{"user", "users", "account", "accounts"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return slices.Contains(tableNames(), name)
}

// likely reports whether the table may be taken without asking. A table with an address for mail and
// nothing else, such as one of orders, may not.
func (t *usersTable) likely() bool { return t.Password != "" || t.namedForUsers() }

func (t *usersTable) score() int {
	score := 0
	for points, holds := range map[int]bool{
		64: t.passwordIsClear, 32: t.namedForUsers(), 16: t.Password != "", 8: t.LoginIsUnique,
		4: t.Staff != "", 2: t.Active != "", 1: t.inSearchPath,
	} {
		if holds {
			score += points
		}
	}
	return score
}

// readable reports whether the role may read all columns that a node reads.
func (t *usersTable) readable() bool {
	used := []string{t.ID, t.Username, t.Password, t.Active, t.Staff, "first_name"}
	return t.SchemaIsUsable && !slices.ContainsFunc(t.columns, func(c column) bool {
		return !c.Readable && slices.Contains(used, c.Name)
	})
}
