package api

import (
	"github.com/jackc/pgx/v5"

	"rowcall/config/rules"
)

// parameter is a name behind an @ in configured SQL, and its type.
type parameter struct{ name, sqlType string }

// asked is the row that a configured statement is evaluated beside: its columns are the parameters.
// No table has this name, so that configured SQL cannot mean another.
const asked = `"@"`

// bind replaces each parameter in configured SQL by a column of asked. Values never become text of a
// statement.
func bind(sql string, allowed []parameter) (string, error) {
	names := make([]string, len(allowed))
	for i, p := range allowed {
		names[i] = p.name
	}
	return rules.BindParameters(sql, names, func(name string) string {
		return asked + "." + pgx.Identifier{name}.Sanitize()
	})
}
