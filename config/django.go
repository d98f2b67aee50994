package config

import (
	"rowcall/config/rules"
)

// Django lets people in who are logged in to a Django site that uses the same database. Without
// SecretKey it does not.
type Django struct {
	SecretKey          Secret   `mapstructure:"secret_key"`           // the site's SECRET_KEY
	SecretKeyFallbacks []Secret `mapstructure:"secret_key_fallbacks"` // its SECRET_KEY_FALLBACKS
	Cookie             string   `mapstructure:"cookie"`               // its SESSION_COOKIE_NAME
	Table              string   `mapstructure:"table"`                // of its sessions; may carry a schema before a dot
}

// On reports whether the site's logins count.
func (d Django) On() bool { return d.SecretKey != "" }

func (d Django) check(p *rules.Problems, session string) {
	p.Require(d.On() || len(d.SecretKeyFallbacks) == 0, "auth.django.secret_key_fallbacks", "are of no use without auth.django.secret_key")
	for i, key := range d.SecretKeyFallbacks {
		p.Require(key != "", rules.Entry("auth.django.secret_key_fallbacks", i), "is empty: anybody could sign with it")
	}
	p.Require(isCookieName(d.Cookie), "auth.django.cookie", "%q is no name for a cookie: use letters, digits, _ . and -", d.Cookie)
	p.Require(d.Cookie != session, "auth.django.cookie", "%q is the name of Rowcall's own cookie too: change auth.session.cookie", d.Cookie)
	p.Require(d.Table != "", "auth.django.table", "is empty: name it as it is in the database")
}
