package rules

import (
	"slices"
	"strings"

	"rowcall/notifier/topic"
)

// Resource is a table that is served over REST, and over sockets of protocol dcrf.
type Resource struct {
	Name  string `mapstructure:"name"`  // the address is /api/{name}
	Table string `mapstructure:"table"` // as ParseName takes it
	Allow Allow  `mapstructure:"allow"` // who may ask at all
	Topic string `mapstructure:"topic"` // where the changes of its rows are filed, with {me} for the user's id; empty: nowhere

	Label  string   `mapstructure:"label"`  // the column that names a row to people; empty: the first column of text, else the key
	Follow []string `mapstructure:"follow"` // topics that announce changes of the whole list, with {me}; empty: Topic
}

// Function is a function of the database that users call with POST /api/functions/{name}.
type Function struct {
	Name     string `mapstructure:"name"`
	Function string `mapstructure:"function"` // as ParseName takes it
	Allow    Allow  `mapstructure:"allow"`    // who may ask at all
}

// ownAddresses are the names behind /api/ that are Rowcall's own.
func ownAddresses() []string {
	return []string{"login", "logout", "me", "session", "console", "functions", "resources"}
}

// TopicPattern is the parsed topic. It reports false if the changes are filed nowhere.
func (r Resource) TopicPattern() (topic.Pattern, bool) {
	parsed, err := topic.ParsePattern(r.Topic)
	return parsed, err == nil
}

// FollowPatterns are the parsed topics that announce changes of the list.
func (r Resource) FollowPatterns() []topic.Pattern {
	var patterns []topic.Pattern
	for _, text := range r.followed() {
		parsed, _ := topic.ParsePattern(text)
		patterns = append(patterns, parsed)
	}
	return patterns
}

func (r Resource) followed() []string {
	if len(r.Follow) == 0 && r.Topic != "" {
		return []string{r.Topic}
	}
	return r.Follow
}

// CheckResources checks the rules of resources, also against the topics that they name.
func CheckResources(resources []Resource, topics []Topic, p *Problems) {
	for i, r := range resources {
		at := Entry("resources", i)
		first := slices.IndexFunc(resources, func(other Resource) bool { return other.Name == r.Name })
		checkName(p, at+".name", r.Name)
		p.Require(first == i, at+".name", "%q is the name of %s too: keep one of them", r.Name, Entry("resources", first))
		p.Require(!slices.Contains(ownAddresses(), r.Name), at+".name", "%q is an address of Rowcall's own: choose another", r.Name)
		p.Require(r.Table != "", at+".table", "is missing: name the table, with its schema where search_path does not find it")
		_, err := ParseName(r.Table)
		p.AddError(at+".table", err)
		r.Allow.check(p, at+".allow")
		if r.Topic != "" {
			checkUserTopic(p, at+".topic", r.Topic, topics)
		}
		for j, text := range r.Follow {
			checkUserTopic(p, Entry(at+".follow", j), text, topics)
		}
	}
}

// checkUserTopic checks a topic that is followed on behalf of the user who is logged in.
func checkUserTopic(p *Problems, key, text string, topics []Topic) {
	p.Require(text != "", key, "is empty: write a topic such as jobs/{me}")
	parsed, err := topic.ParsePattern(text)
	p.AddError(key, err)
	for _, needed := range parsed.Parameters() {
		p.Require(needed.Name == ParameterMe, key, "{%s} has no value: only {me} comes from the login", needed.Name)
	}
	checkListed(p, key, parsed, topics)
}

// CheckFunctions checks the rules of functions.
func CheckFunctions(functions []Function, p *Problems) {
	for i, f := range functions {
		at := Entry("functions", i)
		first := slices.IndexFunc(functions, func(other Function) bool { return other.Name == f.Name })
		checkName(p, at+".name", f.Name)
		p.Require(first == i, at+".name", "%q is the name of %s too: keep one of them", f.Name, Entry("functions", first))
		p.Require(f.Function != "", at+".function", "is missing: name the function, with its schema where search_path does not find it")
		_, err := ParseName(f.Function)
		p.AddError(at+".function", err)
		f.Allow.check(p, at+".allow")
	}
}

// checkName requires a name that can stand in an address as it is.
func checkName(p *Problems, key, name string) {
	p.Require(name != "", key, "is missing: it stands in the address")
	p.Require(strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == "", key, "%q stands in the address: write it with a-z, 0-9, _ and -", name)
}
