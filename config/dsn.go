package config

import (
	"errors"
	"net/url"
	"strings"
)

// DSN is a PostgreSQL connection string. It may hold a password, so printing one in any way shows
// a masked form; convert it to string to connect.
type DSN string

// masked stands for a connection string that cannot be shown in part.
const masked = "(connection string)"

// String masks the password. Only the URL form is shown at all: the other form, key=value, has
// quoting rules that a mask could get wrong.
func (d DSN) String() string {
	if d == "" {
		return ""
	}
	u, err := url.Parse(string(d))
	if err != nil || !isPostgres(u) {
		return masked
	}
	u.RawQuery = "" // libpq takes passwords there too
	return u.Redacted()
}

// GoString masks the password as String does, for %#v.
func (d DSN) GoString() string { return d.String() }

// MarshalText masks the password as String does, for encoders such as those of slog and JSON.
func (d DSN) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// check finds text that is no connection string. Its errors never quote the text.
func (d DSN) check() error {
	if d == "" || strings.Contains(string(d), "=") && !strings.Contains(string(d), "://") {
		return nil
	}
	if u, err := url.Parse(string(d)); err != nil || !isPostgres(u) {
		return errors.New("is no connection string: write postgres://user@host:5432/database, or key=value pairs")
	}
	return nil
}

func isPostgres(u *url.URL) bool { return u.Scheme == "postgres" || u.Scheme == "postgresql" }
