package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rowcall/config/rules"
)

func TestExampleEqualsTheDefaults(t *testing.T) {
	t.Parallel()
	c := load(t, Sources{Default: Example})
	if !c.Apps || len(c.Topics) != 12 || len(c.Sockets) != 7 || len(c.Resources) != 10 || len(c.Functions) != 6 {
		t.Errorf("the example keeps apps %v, %d topics, %d sockets, %d resources, %d functions", c.Apps, len(c.Topics), len(c.Sockets), len(c.Resources), len(c.Functions))
	}
	c.Apps, c.Topics, c.Sockets, c.Resources, c.Functions = false, nil, nil, nil, nil
	if d := diff(Default(), *c); d != "" {
		t.Errorf("the example differs from the defaults:\n%s", d)
	}
}

func TestExampleNamesEverySetting(t *testing.T) {
	t.Parallel()
	tree, err := parseYAML(Example)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range valueKeys(reflect.TypeFor[Config](), "") {
		if lookUp(tree, key) == nil {
			t.Errorf("the example does not set %s", key)
		}
	}
}

func lookUp(tree map[string]any, key string) any {
	var value any = tree
	for part := range strings.SplitSeq(key, ".") {
		section, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = section[part]
	}
	return value
}

// The settings page has a row a key, with its default: | `limits.sockets` | 20000 | ...
func TestSettingsPageNamesEveryKey(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := parseYAML(Example)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range valueKeys(reflect.TypeFor[Config](), "") {
		row := fmt.Sprintf("| `%s` | %s |", key, shown(key, lookUp(tree, key)))
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/configuration.md has no row %s", row)
		}
	}
	for _, list := range []reflect.Type{reflect.TypeFor[rules.Topic](), reflect.TypeFor[rules.Socket](), reflect.TypeFor[rules.Forward](), reflect.TypeFor[rules.Resource](), reflect.TypeFor[rules.Function](), reflect.TypeFor[rules.Table](), reflect.TypeFor[rules.TableTopic](), reflect.TypeFor[rules.Revalidate]()} {
		for _, name := range fieldNames(list) {
			if !strings.Contains(string(page), "| `"+name+"` |") {
				t.Errorf("docs/configuration.md has no row for %s of a %s", name, list.Name())
			}
		}
	}
}

// shown is a default as the page shows it.
func shown(key string, value any) string {
	switch {
	case key == "apps":
		return "`false`"
	case value == "" || fmt.Sprint(value) == "[]":
		return "none"
	}
	return fmt.Sprintf("`%v`", value)
}

// Variables that no key has would be ignored, and the compose file would mean nothing by them.
func TestComposeFileSetsKnownVariables(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := parseYAML(text)
	if err != nil {
		t.Fatal(err)
	}
	variables, _ := lookUp(tree, "services.rowcall.environment").(map[string]any)
	known := []string{envConfig}
	for _, key := range valueKeys(reflect.TypeFor[Config](), "") {
		known = append(known, envName(key), envName(key)+envFileSuffix)
	}
	given := []string{}
	for name, value := range variables {
		if strings.HasPrefix(name, envPrefix) && !slices.Contains(known, name) {
			t.Errorf("no setting is called %s", name)
		}
		given = append(given, name, fmt.Sprint(value))
	}
	load(t, Sources{Default: Example, Environment: environment(given...)})
}

func TestVariablesAreDistinct(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, key := range valueKeys(reflect.TypeFor[Config](), "") {
		if other, twice := seen[envName(key)]; twice {
			t.Errorf("%s and %s are both %s", key, other, envName(key))
		}
		seen[envName(key)] = key
	}
}
