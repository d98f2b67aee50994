package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestBytes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Bytes{"0": 0, "65536": 64 * KiB, "64KiB": 64 * KiB, "3 MiB": 3 * MiB, "2GiB": 2 * GiB} {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("ParseBytes(%q) is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-1", "1.5MiB", "1MB", "KiB", "9223372036854775807GiB"} {
		if got, err := ParseBytes(text); err == nil {
			t.Errorf("ParseBytes(%q) is %v, want an error", text, got)
		}
	}
	for size, want := range map[Bytes]string{0: "0", 1000: "1000", KiB: "1KiB", 1536 * KiB: "1536KiB", GiB: "1GiB"} {
		if got := size.String(); got != want {
			t.Errorf("%d bytes are shown as %s, want %s", int64(size), got, want)
		}
	}
}

func TestNothingPrintsAPassword(t *testing.T) {
	t.Parallel()
	for _, dsn := range []DSN{
		"postgres://rowcall:hidden@db:5432/app",
		"postgres://db/app?user=rowcall&password=hidden",
		"host=db password=hidden",
		"postgres://rowcall:hidden@db:notaport/app",
		"rowcall:hidden@db",
	} {
		c := Default()
		c.Database.URL = dsn
		c.Auth.JWT.Key = "hidden"
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("a", "dsn", dsn, "config", c)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("a", "dsn", dsn, "config", c)
		encoded, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		shown := log.String() + string(encoded) + fmt.Sprintf("%v %+v %#v %s %q %x", c, c, c, dsn, dsn, dsn)
		if strings.Contains(shown, "hidden") {
			t.Errorf("%s", shown)
		}
	}
}

func TestMistakesInASecretDoNotShowIt(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"mysql://rowcall:hidden@db/app", "postgres://rowcall:hidden@db:notaport/app", "hidden"} {
		for _, problem := range problems(t, Sources{Getenv: environment("ROWCALL_DATABASE_URL", value)}) {
			if strings.Contains(problem, "hidden") || !strings.Contains(problem, "database.url (ROWCALL_DATABASE_URL)") {
				t.Error(problem)
			}
		}
	}
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"https://app.example.org", "http://localhost:5173", "http://[::1]:80", "http://localhost:*", "http://127.0.0.1:*"} {
		if !isOrigin(text) {
			t.Errorf("%s is refused", text)
		}
	}
	for _, text := range []string{
		"", "*", "null", "app.example.org", "https://", "https://a.example/", "https://A.example", "ws://a.example",
		"https://a.example:*", "http://localhost:80:*", "https://user@a.example", "https://a.example?q", "https://:8080",
	} {
		if isOrigin(text) {
			t.Errorf("%s is accepted", text)
		}
	}
}
