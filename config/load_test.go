package config

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"

	"rowcall/config/rules"
)

// diff tells where two configurations differ.
func diff(want, got Config) string {
	return cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty())
}

func environment(pairs ...string) map[string]string {
	variables := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		variables[pairs[i]] = pairs[i+1]
	}
	return variables
}

func flags(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	AddFlags(set)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return set
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rowcall.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, s Sources) *Config {
	t.Helper()
	c, err := Load(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// problems loads text that is wrong, and returns what is said about it.
func problems(t *testing.T, s Sources) []string {
	t.Helper()
	_, err := Load(s)
	var found rules.Problems
	if !errors.As(err, &found) {
		t.Fatalf("Load gave %v, want problems", err)
	}
	lines := make([]string, len(found))
	for i, problem := range found {
		lines[i] = problem.String()
	}
	return lines
}

func TestNothingGivenIsTheDefault(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":          "",
		"a comment":        "# later\n",
		"an empty section": "http:\nlimits:\ntopics:\n",
		"empty values":     "http: {addr: , origins: }\n",
	} {
		c := load(t, Sources{Default: []byte(text)})
		if d := diff(Default(), *c); d != "" {
			t.Errorf("%s differs from the defaults:\n%s", name, d)
		}
	}
}

func TestFlagsWinOverEnvironmentOverFile(t *testing.T) {
	t.Parallel()
	path := write(t, "http: {addr: '127.0.0.1:1'}\nlog_format: json\nlimits: {sockets: 7}\ndatabase: {pool_size: 9}\n")
	c := load(t, Sources{
		Flags:       flags(t, "--config", path, "--addr", "127.0.0.1:3"),
		Environment: environment("ROWCALL_HTTP_ADDR", "127.0.0.1:2", "ROWCALL_LIMITS_SOCKETS", "8", "ROWCALL_CONFIG", "/nowhere"),
		Default:     []byte("log_level: debug\n"),
	})
	want := Default()
	want.HTTP.Addr = "127.0.0.1:3" // file, environment and flag
	want.Limits.Sockets = 8        // file and environment
	want.Database.PoolSize = 9     // file
	want.LogFormat = "json"        // file; the flag was not set
	want.LogLevel = slog.LevelInfo // the file replaces the built-in text
	if d := diff(want, *c); d != "" {
		t.Error(d)
	}
}

func TestEnvironmentGivesEveryKind(t *testing.T) {
	t.Parallel()
	c := load(t, Sources{Environment: environment(
		"ROWCALL_HTTP_PLAIN", "true",
		"ROWCALL_HTTP_ADDR", ":9000",
		"ROWCALL_HTTP_SHUTDOWN", "3s",
		"ROWCALL_HTTP_ORIGINS", "https://a.example, https://b.example:8443",
		"ROWCALL_HTTP_TRUSTED_PROXIES", "10.1.2.3/8,::1",
		"ROWCALL_LIMITS_QUEUE_BYTES", "2MiB",
		"ROWCALL_LOG_LEVEL", "warn",
		"ROWCALL_LOG_FORMAT", "",
	)})
	want := Default()
	want.HTTP.Plain, want.HTTP.Addr, want.HTTP.Shutdown = true, ":9000", 3*time.Second
	want.HTTP.Origins = []string{"https://a.example", "https://b.example:8443"}
	want.HTTP.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	want.Limits.QueueBytes = 2 * MiB
	want.LogLevel = slog.LevelWarn
	if d := diff(want, *c); d != "" {
		t.Error(d)
	}
}

// Viper lower-cases the keys it meets, and takes a dot or a slash in one for a path.
func TestRulesSurviveUnchanged(t *testing.T) {
	t.Parallel()
	c := load(t, Sources{Default: []byte(`
topics:
  - {topic: 'Dams/{id:int}', access: 'SELECT 1 AS "Allowed"'}
  - {topic: Dams}
sockets:
  - path: /WS/Dams
    topic: Dams
    frame: {Message: New Dam, a.b/c: {Deep: [1, true, {X: null}]}}
    forward: [{type: Dam.Create}]
`)})
	want := Default()
	want.Topics = []rules.Topic{{Topic: "Dams/{id:int}", Access: `SELECT 1 AS "Allowed"`}, {Topic: "Dams"}}
	want.Sockets = []rules.Socket{{
		Path: "/WS/Dams", Topic: "Dams", Forward: []rules.Forward{{Type: "Dam.Create"}},
		Frame: map[string]any{"Message": "New Dam", "a.b/c": map[string]any{"Deep": []any{1, true, map[string]any{"X": nil}}}},
	}}
	if d := diff(want, *c); d != "" {
		t.Error(d)
	}
}

func TestDeclaredTables(t *testing.T) {
	t.Parallel()
	c := load(t, Sources{Default: []byte(`
tables_apply: true
tables:
  - table: public."Orders"
    topics:
      - {topic: 'orders/{customerId}', allow: authenticated, access: 'SELECT @customerId = @me AS allowed'}
      - topic: shops/{shop_id}/orders
    columns: [id, Status]
    key: [id]
    on: [insert, delete]
    order: placed_at DESC, id
    limit: 1000
    numbers: text
    name: orders
    mode: statement
  - {table: sales.*, except: [old], hide: [secret], topics: [{topic: 'sales/{table}'}], revalidate: [{topic: 'shops/{shop_id}', user: user_id}]}
sockets:
  - {path: '/ws/orders/{customerId}', topic: 'orders/{customerId}', frame: data, forward: [{type: orders.insert, fields: [new]}]}
`)})
	want := Default()
	want.TablesApply = true
	want.Tables = []rules.Table{{
		Table: `public."Orders"`,
		Topics: []rules.TableTopic{
			{Topic: "orders/{customerId}", Allow: rules.AllowAuthenticated, Access: "SELECT @customerId = @me AS allowed"},
			{Topic: "shops/{shop_id}/orders"},
		},
		Columns: []string{"id", "Status"}, Key: []string{"id"}, On: []string{"insert", "delete"}, Order: "placed_at DESC, id",
		Limit: 1000, Numbers: "text", Name: "orders", Mode: "statement",
	}, {
		Table: "sales.*", Except: []string{"old"}, Hide: []string{"secret"}, Topics: []rules.TableTopic{{Topic: "sales/{table}"}},
		Revalidate: []rules.Revalidate{{Topic: "shops/{shop_id}", User: "user_id"}},
	}}
	want.Sockets = c.Sockets
	if d := diff(want, *c); d != "" {
		t.Error(d)
	}
}

func TestEverythingWrongIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	got := problems(t, Sources{
		Environment: environment("ROWCALL_DATABASE_POOL_SIZE", "many", "ROWCALL_HTTP_PLAIN", "yes"),
		Flags:       flags(t, "--log-format", "xml"),
		Default: []byte(`
HTTP: {}
http: {addr: 0.0.0.0:80, port: 8080, shutdown: 10, origins: [https://ok.example, https://a.example/], trusted_proxies: [lan], tls_key: k}
auth: everybody
limits: {sockets: 2.5, sockets_per_user: [1], exempt: {a: b}, pong_timeout: 20s, queue_bytes: 1MB}
log: {ring: loudly, ring_quiet: 200}
topics:
  - {topic: 'room/{room_id:int}', allow: members, acess: SELECT}
  - {topic: 'room/{id:int}'}
  - {allow: public}
  - room
  - {topic: /a//b, access: [1]}
  - {topic: 'a{b}/{C}'}
  - {topic: dams}
sockets:
  - {path: ws, topic: 'room/{room_id}', frame: object}
  - {path: '/ws/{id:int}/', topic: 'jobs/{me}', frame: {a: 1}, forward: [{type: x, fields: [y]}], protocol: mqtt, stream: a}
  - {path: '/ws/{x:int}', topic: a, frame: data, forward: [{fields: []}], anonymous: welcome, resource: dams, streams: [dams]}
  - {path: '/dcrf/{id}', topic: a, frame: data, forward: [{type: x, fields: [y]}], anonymous: close, protocol: dcrf}
  - {path: /dcrf/, protocol: dcrf, resource: mute, streams: [dams]}
  - {path: /more/, protocol: dcrf, streams: [dams, nowhere, dams]}
resources:
  - {name: dams, table: dams, topic: dams, allow: members}
  - {name: mute, table: patients}
  - {topic: 'room/{id}', follow: [dams, 'room/{id}']}
  - {name: Dams/x, table: a, topic: 'jobs/{me}'}
  - {name: login, table: a}
  - {name: dams, table: a, columns: [b]}
functions:
  - {name: join_room}
  - {name: join_room, function: f, allow: everybody}
  - {name: 'a b', function: f}
`)})
	want, err := os.ReadFile("testdata/problems.golden")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(strings.TrimSpace(string(want)), "\n"), got); d != "" {
		t.Errorf("problems differ from testdata/problems.golden:\n%s", d)
	}
}

// The server would refuse these rules too. Load finds them without a database.
func TestRulesAreCheckedWithoutADatabase(t *testing.T) {
	t.Parallel()
	const socket = "topics: [{topic: dams}]\nsockets: [{path: /ws, topic: dams, "
	for text, want := range map[string]string{
		"topics: [{topic: 'room/{room-id}'}]":                                                 "topics[0].topic: ",
		"topics: [{topic: a, snapshotlimit: 5}]":                                              "topics[0].snapshotlimit: unknown key; known here: topic, allow, access, snapshot, slow, key",
		"topics: [{topic: a, '-': 5}]":                                                        "topics[0].-: unknown key; known here: topic, allow, access, snapshot, slow, key",
		"tables: [{table: public.a, topics: [{topic: 'a/{b}', acess: SELECT}]}]":              "tables[0].topics[0].acess: unknown key; known here: topic, allow, access",
		"tables: [{table: public.a, topics: [{topic: a}], colums: [b]}]":                      "tables[0].colums: unknown key; known here: table, except, topics, columns, hide",
		"tables: [{table: public.a, topics: [{topic: a}], limit: few}]":                       `tables[0].limit: "few" is no whole number`,
		"tables: [{table: public.a, topics: [{topic: a}], key: [1]}]":                         "tables[0].key[0]: is text: put it in quotes",
		"tables: [{table: public.a, topics: a}]":                                              "tables[0].topics: is a list: begin each entry with a dash",
		"topics: [{topic: 'room/{n:float}'}]":                                                 "topics[0].topic: ",
		"topics: [{topic: 'a/{x}'}, {topic: a/b}]":                                            "topics[1].topic: ",
		"topics: [{topic: 'a/{me}'}]":                                                         "topics[0].topic: ",
		"topics: [{topic: a, access: 'SELECT @b AS allowed'}]":                                "topics[0].access: ",
		socket + "frame: {a: 1}, forward: [{type: b, fields: [c]}]}]":                         "sockets[0].forward[0].fields: ",
		socket + "frame: {a: {1: b}}, forward: [{type: b}]}]":                                 "sockets[0].frame: ",
		socket + "frame: {a: .nan}, forward: [{type: b}]}]":                                   "sockets[0].frame: ",
		"sockets: [{path: /ws, topic: dams, frame: data, forward: [{type: b, fields: [c]}]}]": "sockets[0].topic: ",
		"resources: [{name: dams, table: dams, topic: dams}]":                                 "resources[0].topic: ",
		"http: {origins: ['https://*.example.org']}":                                          "http.origins[0]: ",
		"http: {origins: ['http://localhost:80:*']}":                                          "http.origins[0]: ",
		"log: {ring_quiet: 0}":                                                                "log.ring_quiet: ",
	} {
		if got := problems(t, Sources{Default: []byte(text)}); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%s\ngot  %q\nwant a problem with %s", text, got, want)
		}
	}
	for _, text := range []string{
		"functions: [{name: login, function: f}]",
		"http: {origins: ['http://app.localhost:*']}",
	} {
		load(t, Sources{Default: []byte(text)})
	}
}

func TestAFileThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a list":       "- a\n",
		"text":         "rowcall",
		"a syntax":     "http: {addr: 1\n",
		"a second key": "apps: true\napps: false\n",
	} {
		path := write(t, text)
		if got := problems(t, Sources{Environment: environment("ROWCALL_CONFIG", path)}); len(got) != 1 || !strings.HasPrefix(got[0], path+": ") {
			t.Errorf("%s: %q, want one problem of the file", name, got)
		}
	}
	if _, err := Load(Sources{Environment: environment("ROWCALL_CONFIG", "/no/such/file")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gave %v", err)
	}
}

func TestSecretsFromFiles(t *testing.T) {
	t.Parallel()
	const url = "postgres://rowcall:hidden@db:5432/app"
	path := write(t, url+"\n")
	c := load(t, Sources{Environment: environment("ROWCALL_DATABASE_URL_FILE", path)})
	if c.Database.URL != url || c.Database.Direct() != url || c.Database.Migrate() != url {
		t.Errorf("the file's connection string is not used: %#v", c.Database)
	}
	got := problems(t, Sources{Environment: environment(
		"ROWCALL_DATABASE_URL_FILE", path, "ROWCALL_DATABASE_URL", url,
		"ROWCALL_DATABASE_DIRECT_URL_FILE", "/no/such/file",
	)})
	if len(got) != 2 || !strings.Contains(got[0], "both") || !strings.Contains(got[1], "ROWCALL_DATABASE_DIRECT_URL_FILE") {
		t.Errorf("problems are %q", got)
	}
}

// FuzzLoad: whatever a file says, it is either used or refused with key paths.
func FuzzLoad(f *testing.F) {
	f.Add([]byte("http: {addr: :80, plain: yes}\nlog: ~\napps: true"))
	f.Add([]byte("http: {addr: {a: b}}\ntopics: [[1], {topic: ~}]\nsockets: [{frame: [], forward: [~]}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Load(Sources{Default: text})
		var problems rules.Problems
		if (c == nil) == (err == nil) || err != nil && !errors.As(err, &problems) {
			t.Errorf("Load gave %v, %v", c, err)
		}
	})
}

// A variable that is nearly called as a setting is refused. Others that begin as settings do are told of,
// but those that Kubernetes and Docker set for a service called rowcall.
func TestMisspelledVariables(t *testing.T) {
	t.Parallel()
	given := environment("ROWCALL_HTTP_ADR", "x", "ROWCALL_DATABASEURL", "x", "ROWCALL_DATABASE_URL_FLIE", "x", "rowcall_log_level", "x",
		"ROWCALL_HTTP_ADDRESS", "x", "ROWCALL_HTTP_ORIG", "x", "ROWCALL_ADDR", "x",
		"ROWCALL_IMAGE", "x", "ROWCALL_TOPICS", "x", "ROWCALL_LOG_LEVL", "", "ROWCALL_TEST_PROCESS", "1", "ROWCALL_DATA_DIR", "x",
		"ROWCALL_PORT", "tcp://10.0.0.1:8080", "ROWCALL_PORT_8080_TCP_ADDR", "10.0.0.1", "ROWCALL_SERVICE_HOST", "10.0.0.1", "ROWCALL_SERVICE_PORT_HTTP", "8080", "PATH", "x")
	got := problems(t, Sources{Environment: given})
	want := []string{
		"ROWCALL_DATABASEURL: there is no such setting: did you mean ROWCALL_DATABASE_URL?",
		"ROWCALL_DATABASE_URL_FLIE: there is no such setting: did you mean ROWCALL_DATABASE_URL_FILE?",
		"ROWCALL_HTTP_ADDRESS: there is no such setting: did you mean ROWCALL_HTTP_ADDR?",
		"ROWCALL_HTTP_ADR: there is no such setting: did you mean ROWCALL_HTTP_ADDR?",
		"ROWCALL_HTTP_ORIG: there is no such setting: did you mean ROWCALL_HTTP_ORIGINS?",
		"rowcall_log_level: there is no such setting: did you mean ROWCALL_LOG_LEVEL?",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if got, want := UnknownVariables(given), []string{"ROWCALL_ADDR", "ROWCALL_IMAGE", "ROWCALL_TOPICS"}; !slices.Equal(got, want) {
		t.Errorf("unknown: %q, want %q", got, want)
	}
	for name, want := range map[string]string{
		"ROWCALL_ADDR":    "ROWCALL_HTTP_ADDR",
		"ROWCALL_ORIGINS": "ROWCALL_HTTP_ORIGINS",
		"ROWCALL_JWT_KEY": "ROWCALL_AUTH_JWT_KEY",
		"ROWCALL_URL":     "ROWCALL_DATABASE_URL",
	} {
		if got := NearestVariable(name); got != want {
			t.Errorf("%s is nearest to %s, want %s", name, got, want)
		}
	}
}
