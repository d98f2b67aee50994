package config

import (
	"os"
	"reflect"
	"strings"

	"rowcall/config/rules"
)

const envPrefix = "ROWCALL_"

// envConfig names the file to read where --config does not.
const envConfig = envPrefix + "CONFIG"

// envFileSuffix behind the variable of a secret makes it name a file that holds the secret.
const envFileSuffix = "_FILE"

// envName is the variable of a key: database.pool_size is ROWCALL_DATABASE_POOL_SIZE.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// secretKeys are the values that may hold a secret, and may therefore come from a file.
func secretKeys() []string {
	return []string{"database.url", "database.direct_url", "database.migrate_url", "auth.jwt.key",
		"auth.django.secret_key", "auth.django.secret_key_fallbacks"}
}

// fromEnvironment reads every value that has a variable. An empty variable counts as none: compose
// files and shells pass those on without meaning to.
func fromEnvironment(getenv func(string) string, problems *rules.Problems) map[string]given {
	found := map[string]given{}
	for _, key := range valueKeys(reflect.TypeFor[Config](), "") {
		if value := getenv(envName(key)); value != "" {
			found[key] = given{value, envName(key)}
		}
	}
	for _, key := range secretKeys() {
		if path := getenv(envName(key) + envFileSuffix); path != "" {
			fromSecretFile(key, path, found, problems)
		}
	}
	return found
}

// fromSecretFile reads one secret from the file its variable names.
func fromSecretFile(key, path string, found map[string]given, problems *rules.Problems) {
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
	found[key] = given{strings.TrimSpace(string(text)), name}
}

// given is a value that came as text, and where from.
type given struct {
	value  string
	source string
}

// nested turns key paths into the tree that viper merges.
func nested(values map[string]given) map[string]any {
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
