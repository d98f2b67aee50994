package config

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rowcall/config/rules"
)

// Auth says how users are identified.
type Auth struct {
	Users    Users     `mapstructure:"users"`
	UserType string    `mapstructure:"user_type"` // of user ids where there are no accounts: int, uuid or text; text when empty
	Session  Session   `mapstructure:"session"`
	Login    Login     `mapstructure:"login"`
	JWT      rules.JWT `mapstructure:"jwt"`
	Django   Django    `mapstructure:"django"`
}

// Users names the table of accounts and its columns. Table may have a schema before a dot. Table, Password,
// Active and Staff may be "-": there is no such table or column.
type Users struct {
	Table    string `mapstructure:"table"`
	ID       string `mapstructure:"id"`
	Username string `mapstructure:"username"`
	Password string `mapstructure:"password"`
	Active   string `mapstructure:"active"`
	Staff    string `mapstructure:"staff"`
}

// Session bounds how long a login lasts.
type Session struct {
	Lifetime time.Duration `mapstructure:"lifetime"`
	Idle     time.Duration `mapstructure:"idle"` // ends a login that was not used for so long; 0: never
	Cookie   string        `mapstructure:"cookie"`
}

// Login bounds attempts to log in, per minute.
type Login struct {
	PerAddress int `mapstructure:"per_address"`
	PerAccount int `mapstructure:"per_account"`
}

func (a Auth) check(p *rules.Problems) {
	a.Users.check(p)
	if a.UserType != "" {
		p.RequireOneOf("auth.user_type", a.UserType, "int", "uuid", "text")
		p.Require(a.Users.Table == "-", "auth.user_type", `belongs to auth.users.table: "-"; the column auth.users.id says it otherwise`)
	}
	requireAtLeast(p, "auth.session.lifetime", a.Session.Lifetime, time.Minute)
	p.Require(a.Session.Idle >= 0, "auth.session.idle", "%s is negative: 0 means that sessions do not end by being idle", a.Session.Idle)
	p.Require(isCookieName(a.Session.Cookie), "auth.session.cookie",
		"%q is no name for a cookie: use letters, digits, _ . and -", a.Session.Cookie)
	requireBetween(p, "auth.login.per_address", a.Login.PerAddress, 1, greatestCount)
	requireBetween(p, "auth.login.per_account", a.Login.PerAccount, 1, greatestCount)
	a.JWT.Check(p)
	a.Django.check(p, a.Session.Cookie)
	p.Require(a.Users.Table != "-" || !a.Django.On(), "auth.users.table", "is \"-\": the logins of a Django site need its table of users")
	p.Require(a.Users.Password != "-" || !a.Django.On(), "auth.users.password", "is \"-\": the logins of a Django site need the column of its passwords")
}

func (u Users) check(p *rules.Problems) {
	for _, name := range []struct{ key, value string }{
		{"table", u.Table}, {"id", u.ID}, {"username", u.Username},
		{"password", u.Password}, {"active", u.Active}, {"staff", u.Staff},
	} {
		how := "as it is in the database"
		if name.key == "table" {
			how = "as in SQL"
		}
		p.Require(name.value != "", "auth.users."+name.key, "is empty: name it %s", how)
	}
	_, err := rules.ParseName(u.Table)
	p.AddError("auth.users.table", err)
}

// isCookieName reports whether a name of a cookie needs no quotes and no escapes.
func isCookieName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		plain := unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_.-", r)
		return !plain || r >= utf8.RuneSelf
	})
}

// Django accepts the logins of a Django site that uses the same database. Without SecretKey they are
// not accepted.
type Django struct {
	SecretKey          rules.Secret   `mapstructure:"secret_key"`           // the site's SECRET_KEY
	SecretKeyFallbacks []rules.Secret `mapstructure:"secret_key_fallbacks"` // its SECRET_KEY_FALLBACKS
	Cookie             string         `mapstructure:"cookie"`               // its SESSION_COOKIE_NAME
	Table              string         `mapstructure:"table"`                // the table of its sessions; may have a schema before a dot
}

// QuotedTable is the name of the table as SQL.
func (d Django) QuotedTable() string { return rules.QuotedName(d.Table) }

// On reports whether the site's logins are accepted.
func (d Django) On() bool { return d.SecretKey != "" }

func (d Django) check(p *rules.Problems, session string) {
	p.Require(d.On() || len(d.SecretKeyFallbacks) == 0, "auth.django.secret_key_fallbacks", "are of no use without auth.django.secret_key")
	for i, key := range d.SecretKeyFallbacks {
		p.Require(key != "", rules.Entry("auth.django.secret_key_fallbacks", i), "is empty: anybody could sign with it")
	}
	p.Require(isCookieName(d.Cookie), "auth.django.cookie", "%q is no name for a cookie: use letters, digits, _ . and -", d.Cookie)
	p.Require(d.Cookie != session, "auth.django.cookie", "%q is the name of Rowcall's own cookie too: change auth.session.cookie", d.Cookie)
	p.Require(d.Table != "", "auth.django.table", "is empty: name it as in SQL")
	_, err := rules.ParseName(d.Table)
	p.AddError("auth.django.table", err)
}
