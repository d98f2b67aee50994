package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestDjangoFromFileAndEnvironment(t *testing.T) {
	t.Parallel()
	c := load(t, Sources{
		Default: []byte("auth: {django: {secret_key: overruled, cookie: site_session}}"),
		Getenv: environment("ROWCALL_AUTH_DJANGO_SECRET_KEY_FILE", write(t, "s3cret!#\n"),
			"ROWCALL_AUTH_DJANGO_SECRET_KEY_FALLBACKS_FILE", write(t, "old(1), old(2)\n"),
			"ROWCALL_AUTH_DJANGO_TABLE", "site.sessions"),
	})
	want := Default()
	want.Auth.Django = Django{SecretKey: "s3cret!#", SecretKeyFallbacks: []Secret{"old(1)", "old(2)"}, Cookie: "site_session", Table: "site.sessions"}
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
