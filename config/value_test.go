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
		for _, problem := range problems(t, Sources{Environment: environment("ROWCALL_DATABASE_URL", value)}) {
			if strings.Contains(problem, "hidden") || !strings.Contains(problem, "database.url (ROWCALL_DATABASE_URL)") {
				t.Error(problem)
			}
		}
	}
}

// Addresses of requests are compared in their IPv4 form, so that networks must have it too.
func TestNetworks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10.1.2.3": "10.1.2.3/32", "10.1.2.3/8": "10.0.0.0/8", "::1": "::1/128", "2001:db8::1/32": "2001:db8::/32",
		"::ffff:10.1.2.3": "10.1.2.3/32", "::ffff:10.1.2.3/104": "10.0.0.0/8", "::ffff:0:0/95": "::fffe:0:0/95",
	} {
		if got, err := toPrefix(text); err != nil || got.String() != want {
			t.Errorf("%s: got %v, %v, want %s", text, got, err, want)
		}
	}
}

// Viper would change the keys of objects within the lists of rules.
func TestListsOfRulesGoAroundViper(t *testing.T) {
	t.Parallel()
	tree := map[string]any{"apps": true, "http": map[string]any{"origins": []any{"https://a.example"}}}
	for _, list := range []string{"topics", "sockets", "resources", "functions"} {
		tree[list] = []any{map[string]any{"Name": list}}
	}
	if lists := takeLists(tree); len(lists) != 4 || len(tree) != 2 {
		t.Errorf("around viper go %v, through it goes %v", lists, tree)
	}
}
