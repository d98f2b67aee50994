package config

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Bytes is a size. It is written as a plain number or with a binary unit: 65536, 64KiB, 1MiB, 2GiB.
type Bytes int64

// The units of Bytes.
const (
	KiB Bytes = 1 << 10
	MiB Bytes = 1 << 20
	GiB Bytes = 1 << 30
)

// ParseBytes reads a size as it is written in configuration.
func ParseBytes(text string) (Bytes, error) {
	number, unit := text, Bytes(1)
	for suffix, size := range map[string]Bytes{"KiB": KiB, "MiB": MiB, "GiB": GiB} {
		if before, found := strings.CutSuffix(text, suffix); found {
			number, unit = strings.TrimSpace(before), size
		}
	}
	count, err := strconv.ParseInt(number, 10, 64)
	if err != nil || count < 0 || Bytes(count) > (1<<62)/unit {
		return 0, fmt.Errorf("%q is no size: write a number of bytes, or one with KiB, MiB or GiB behind it", text)
	}
	return Bytes(count) * unit, nil
}

// String writes a size with the largest unit that divides it.
func (b Bytes) String() string {
	for _, unit := range []struct {
		size Bytes
		name string
	}{{GiB, "GiB"}, {MiB, "MiB"}, {KiB, "KiB"}} {
		if b >= unit.size && b%unit.size == 0 {
			return strconv.FormatInt(int64(b/unit.size), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// DSN is a PostgreSQL connection string. It may hold a password, so printing one in any way shows
// a maskedDSN form; convert it to string to connect.
type DSN string

// maskedDSN is shown instead of a connection string that cannot be shown in part.
const maskedDSN = "(connection string)"

// String masks the password. It shows only a connection string in the form of a URL. The other form,
// key=value, has quoting rules that a mask could get wrong.
func (d DSN) String() string {
	if d == "" {
		return ""
	}
	u, err := url.Parse(string(d))
	if err != nil || !isPostgres(u) {
		return maskedDSN
	}
	u.RawQuery = "" // it may have a password too
	return u.Redacted()
}

// GoString masks the password as String does, for %#v.
func (d DSN) GoString() string { return d.String() }

// MarshalText masks the password as String does, for encoders such as those of slog and JSON.
func (d DSN) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// check returns an error for text that is no connection string. The error never quotes the text.
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
