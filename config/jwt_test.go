package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const goodKey = "0123456789abcdef0123456789abcdef"

func TestBearerTokensFromFileAndEnvironment(t *testing.T) {
	t.Parallel()
	c := load(t, Sources{
		Default: []byte("auth: {jwt: {issuer: https://id.example, audience: rowcall, jwks_url: https://id.example/keys, algorithms: [HS256, ES256], leeway: 1m, staff_claim: ''}}"),
		Getenv:  environment("ROWCALL_AUTH_JWT_KEY_FILE", write(t, goodKey+"\n"), "ROWCALL_AUTH_JWT_AUDIENCE", "another"),
	})
	want := Default()
	want.Auth.JWT = JWT{
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
