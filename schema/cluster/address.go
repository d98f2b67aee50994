package cluster

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Superuser is the name of the role that owns the cluster.
const Superuser = "postgres"

// maxSocketPath is the longest path of a Unix socket that every system takes, in bytes.
const maxSocketPath = 100

// URL is the superuser's connection string for a database, over TCP and with its password.
func (c *Cluster) URL(database string) string { return c.URLFor(Superuser, c.secret, database) }

// URLFor is the connection string of another role for a database, over TCP.
func (c *Cluster) URLFor(role, password, database string) string {
	address := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(role, password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return address.String()
}

// Psql is a shell command that opens a database as the superuser without asking for a password.
// It goes through a Unix socket in the data folder, which only the server's user (and root) can
// reach; where that folder's name is too long for a socket it carries the password. It is empty
// where the machine has no psql.
func (c *Cluster) Psql(database string) string {
	psql := c.bin.Psql()
	if psql == "" {
		return ""
	}
	if !c.hasSocket() {
		return Quote(psql) + " " + Quote(c.URL(database))
	}
	return strings.Join([]string{
		Quote(psql), "-h", Quote(c.folder.data()), "-p", strconv.Itoa(c.port), "-U", Superuser, Quote(database),
	}, " ")
}

// Major is the major version of the server.
func (c *Cluster) Major() int { return c.bin.Major }

// PsqlProgram is the path or the name of psql for programs that run it; empty where the machine has none. It prefers the one
// beside the server: the one in PATH may be a script that first looks for it, as Debian's is.
func (c *Cluster) PsqlProgram() string {
	if path := c.bin.tool("psql"); isFile(path) {
		return path
	}
	return c.bin.Psql()
}

func (c *Cluster) hasSocket() bool {
	return len(c.folder.data())+len("/.s.PGSQL.65535.lock") <= maxSocketPath
}

// socketSetting is the server setting for the socket's folder: a list, so a name is quoted.
func (c *Cluster) socketSetting() string {
	if !c.hasSocket() {
		return ""
	}
	return `"` + strings.ReplaceAll(c.folder.data(), `"`, `""`) + `"`
}

// Quote makes one word of a shell command, leaving plain words as they are.
func Quote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-@:+,", r)
	}
	if word != "" && strings.TrimFunc(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
