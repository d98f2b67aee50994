package config

import (
	"os"
	"reflect"
	"strings"

	"github.com/spf13/pflag"

	"rowcall/config/rules"
)

const envPrefix = "ROWCALL_"

// envConfig is the variable with the name of the configuration file. The flag --config wins over it.
const envConfig = envPrefix + "CONFIG"

// envFileSuffix, at the end of the name of a secret's variable, makes a variable with the name of a
// file that holds the secret.
const envFileSuffix = "_FILE"

// envName returns the name of a key's variable: database.pool_size is ROWCALL_DATABASE_POOL_SIZE.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// secretKeys are the keys of values that may hold a secret. Such a value may also come from a file.
func secretKeys() []string {
	return []string{"database.url", "database.direct_url", "database.migrate_url", "auth.jwt.key",
		"auth.django.secret_key", "auth.django.secret_key_fallbacks"}
}

// fromEnvironment reads the variables of all keys. An empty variable counts as not set: compose files
// and shells often pass empty variables on.
func fromEnvironment(environment map[string]string, problems *rules.Problems) map[string]givenValue {
	found := map[string]givenValue{}
	for _, key := range valueKeys(reflect.TypeFor[Config](), "") {
		if value := environment[envName(key)]; value != "" {
			found[key] = givenValue{value, envName(key)}
		}
	}
	for _, key := range secretKeys() {
		if path := environment[envName(key)+envFileSuffix]; path != "" {
			fromSecretFile(key, path, found, problems)
		}
	}
	refuseMisspelled(environment, problems)
	return found
}

// fromSecretFile reads a secret from the file that its variable names.
func fromSecretFile(key, path string, found map[string]givenValue, problems *rules.Problems) {
	name := envName(key) + envFileSuffix
	if _, twice := found[key]; twice {
		problems.Add(key, "both %s and %s are set: unset one of them", envName(key), name)
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		problems.Add(key, "cannot read the file that %s names: %v", name, err)
		return
	}
	found[key] = givenValue{strings.TrimSpace(string(text)), name}
}

// givenValue is a value that came as text, and its source.
type givenValue struct {
	value  string
	source string
}

// nestValues turns key paths into the tree that viper merges.
func nestValues(values map[string]givenValue) map[string]any {
	tree := map[string]any{}
	for key, v := range values {
		parts := strings.Split(key, ".")
		section := tree
		for _, part := range parts[:len(parts)-1] {
			below, ok := section[part].(map[string]any)
			if !ok {
				below = map[string]any{}
				section[part] = below
			}
			section = below
		}
		section[parts[len(parts)-1]] = v.value
	}
	return tree
}

// The flags of settings. --config names the file itself.
const (
	flagConfig      = "config"
	flagAddr        = "addr"
	flagDatabaseURL = "database-url"
	flagLogFormat   = "log-format"
	flagLogLevel    = "log-level"
)

// flagKeys maps each flag to the key that it sets.
func flagKeys() map[string]string {
	return map[string]string{
		flagAddr:        "http.addr",
		flagDatabaseURL: "database.url",
		flagLogFormat:   "log_format",
		flagLogLevel:    "log_level",
	}
}

// AddFlags adds the flags that Load reads to the flags of a command.
func AddFlags(flags *pflag.FlagSet) {
	d := Default()
	flags.String(flagConfig, "", "file with the `settings`; also ROWCALL_CONFIG")
	flags.String(flagAddr, d.HTTP.Addr, "`host:port` to serve on; port 0 takes a free one")
	flags.String(flagDatabaseURL, "", "`connection` string of PostgreSQL; ps shows it, so give one with a password as ROWCALL_DATABASE_URL or ROWCALL_DATABASE_URL_FILE")
	flags.String(flagLogFormat, d.LogFormat, "`format` of the log: text or json")
	flags.String(flagLogLevel, "info", "least `level` that is logged: debug, info, warn or error")
}
