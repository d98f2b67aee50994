package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rowcall/config/rules"
)

const goodKey = "0123456789abcdef0123456789abcdef"

func TestBearerTokensFromFileAndEnvironment(t *testing.T) {
	t.Parallel()
	c := load(t, Sources{
		Default:     []byte("auth: {jwt: {issuer: https://id.example, audience: rowcall, jwks_url: https://id.example/keys, algorithms: [HS256, ES256], leeway: 1m, staff_claim: ''}}"),
		Environment: environment("ROWCALL_AUTH_JWT_KEY_FILE", write(t, goodKey+"\n"), "ROWCALL_AUTH_JWT_AUDIENCE", "another"),
	})
	want := Default()
	want.Auth.JWT = rules.JWT{
		Key: goodKey, JWKSURL: "https://id.example/keys", Algorithms: []string{"HS256", "ES256"},
		Issuer: "https://id.example", Audience: "another", Leeway: time.Minute,
	}
	if d := diff(want, *c); d != "" {
		t.Error(d)
	}
	if !c.Auth.JWT.On() || Default().Auth.JWT.On() {
		t.Error("tokens are to be accepted with a key, and not without")
	}
}

func TestBearerTokensAreRefusedAsConfigured(t *testing.T) {
	t.Parallel()
	const issued = "issuer: i, audience: a, "
	for text, want := range map[string][]string{
		"key: short, " + issued:                     {"auth.jwt.key: is too short"},
		"key: " + goodKey:                           {"auth.jwt.issuer: is missing", "auth.jwt.audience: is missing"},
		"jwks_url: https://id.example/k, issuer: i": {"auth.jwt.audience: is missing"},
		issued: {"auth.jwt.issuer: is of no use", "auth.jwt.audience: is of no use"},
		"jwks_url: http://id.example/k, " + issued:                    {"auth.jwt.jwks_url: "},
		"jwks_url: 'file:///etc/keys', " + issued:                     {"auth.jwt.jwks_url: "},
		"jwks_url: 'https://u:p@id.example', " + issued:               {"auth.jwt.jwks_url: "},
		"key: " + goodKey + ", leeway: 61s, " + issued:                {"auth.jwt.leeway: "},
		"key: " + goodKey + ", leeway: -1s, " + issued:                {"auth.jwt.leeway: "},
		"key: " + goodKey + ", algorithms: [none], " + issued:         {"auth.jwt.algorithms[0]: \"none\" is not one of", "auth.jwt.key: is of no use"},
		"key: " + goodKey + ", algorithms: [HS512], " + issued:        {"auth.jwt.algorithms[0]: \"HS512\" is not one of", "auth.jwt.key: is of no use"},
		"key: " + goodKey + ", algorithms: [HS256, RS256], " + issued: {"auth.jwt.algorithms[1]: RS256 needs auth.jwt.jwks_url"},
		"jwks_url: https://id.example/k, algorithms: [HS256], " + issued: {
			"auth.jwt.algorithms[0]: HS256 needs auth.jwt.key", "auth.jwt.jwks_url: is of no use"},
		"algorithms: [ES256]": {"auth.jwt.algorithms[0]: ES256 needs auth.jwt.jwks_url"},
		"key: 7, " + issued:   {"auth.jwt.key: is text", "auth.jwt.issuer: is of no use", "auth.jwt.audience: is of no use"},
	} {
		got := problems(t, Sources{Default: []byte("auth: {jwt: {" + text + "}}")})
		if !slices.EqualFunc(got, want, strings.HasPrefix) {
			t.Errorf("%s\ngives %q\nwant  %q", text, got, want)
		}
	}
}

func TestDjangoFromFileAndEnvironment(t *testing.T) {
	t.Parallel()
	c := load(t, Sources{
		Default: []byte("auth: {django: {secret_key: overruled, cookie: site_session}}"),
		Environment: environment("ROWCALL_AUTH_DJANGO_SECRET_KEY_FILE", write(t, "s3cret!#\n"),
			"ROWCALL_AUTH_DJANGO_SECRET_KEY_FALLBACKS_FILE", write(t, "old(1), old(2)\n"),
			"ROWCALL_AUTH_DJANGO_TABLE", "site.sessions"),
	})
	want := Default()
	want.Auth.Django = Django{SecretKey: "s3cret!#", SecretKeyFallbacks: []rules.Secret{"old(1)", "old(2)"}, Cookie: "site_session", Table: "site.sessions"}
	if d := diff(want, *c); d != "" {
		t.Error(d)
	}
	if !c.Auth.Django.On() || Default().Auth.Django.On() {
		t.Error("logins of Django's are to count with a key, and not without")
	}
	if shown := fmt.Sprintf("%v %+v %#v", c.Auth, c.Auth, c.Auth); strings.Contains(shown, "s3cret") || strings.Contains(shown, "old(") {
		t.Error("a secret key is shown")
	}
}

func TestDjangoIsRefusedAsConfigured(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"secret_key_fallbacks: [old]":                    {"auth.django.secret_key_fallbacks: are of no use"},
		"secret_key: a, secret_key_fallbacks: [old, '']": {"auth.django.secret_key_fallbacks[1]: is empty"},
		"secret_key: 7":                                  {"auth.django.secret_key: is text"},
		"secret_key: a, table: ''":                       {"auth.django.table: is empty"},
		"cookie: 'a b'":                                  {"auth.django.cookie: \"a b\" is no name"},
		"cookie: rowcall_session":                        {"auth.django.cookie: \"rowcall_session\" is the name of Rowcall's own"},
	} {
		got := problems(t, Sources{Default: []byte("auth: {django: {" + text + "}}")})
		if !slices.EqualFunc(got, want, strings.HasPrefix) {
			t.Errorf("%s\ngives %q\nwant  %q", text, got, want)
		}
	}
}

func TestDjangoNeedsAccounts(t *testing.T) {
	t.Parallel()
	for users, want := range map[string]string{`table: "-"`: "auth.users.table: is \"-\"", `password: "-"`: "auth.users.password: is \"-\""} {
		got := problems(t, Sources{Default: []byte(`auth: {users: {` + users + `}, django: {secret_key: a}}`)})
		if len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%s with a Django site: got %q, want %q", users, got, want)
		}
	}
}
