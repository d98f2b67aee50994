package config

import (
	"slices"
	"strings"
)

// protocolDCRF is the protocol of sockets that serve resources.
const protocolDCRF = "dcrf"

// taken are the names behind /api/ that are Rowcall's own.
func taken() []string {
	return []string{"login", "logout", "me", "session", "console", "functions", "resources"}
}

// checkResources checks what can be seen without the database.
func checkResources(resources []Resource, p *Problems) {
	seen := map[string]int{}
	for i, resource := range resources {
		at := index("resources", i)
		checkName(p, at+".name", resource.Name)
		p.require(!slices.Contains(taken(), resource.Name), at+".name", "%q is an address of Rowcall's own: choose another", resource.Name)
		p.require(resource.Table != "", at+".table", "is missing: name the table, with its schema where search_path does not find it")
		checkAllow(p, at+".allow", resource.Allow)
		if resource.Topic != "" {
			checkFollowed(p, at+".topic", resource.Topic)
		}
		for j, topic := range resource.Follow {
			checkFollowed(p, index(at+".follow", j), topic)
		}
		first, twice := seen[resource.Name]
		p.require(!twice, at+".name", "%q is the name of resources[%d] too: keep one of them", resource.Name, first)
		seen[resource.Name] = i
	}
}

// checkFollowed checks a topic that is followed on behalf of whoever is logged in.
func checkFollowed(p *Problems, key, topic string) {
	checkPattern(p, key, topic)
	for _, name := range parameters(topic) {
		p.require(name == "me", key, "{%s} has no value: only {me} comes from the login", name)
	}
}

func checkFunctions(functions []Function, p *Problems) {
	seen := map[string]int{}
	for i, function := range functions {
		at := index("functions", i)
		checkName(p, at+".name", function.Name)
		p.require(function.Function != "", at+".function", "is missing: name the function, with its schema where search_path does not find it")
		checkAllow(p, at+".allow", function.Allow)
		first, twice := seen[function.Name]
		p.require(!twice, at+".name", "%q is the name of functions[%d] too: keep one of them", function.Name, first)
		seen[function.Name] = i
	}
}

// checkName requires a name that can stand in an address as it is.
func checkName(p *Problems, key, name string) {
	p.require(name != "", key, "is missing: it stands in the address")
	p.require(strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == "", key, "%q stands in the address: write it with a-z, 0-9, _ and -", name)
}

func checkAllow(p *Problems, key, allow string) {
	if allow != "" {
		oneOf(p, key, allow, "public", "authenticated", "staff")
	}
}

// checkDCRF checks a socket that serves resources, which has no use for what the others say.
func (s Socket) checkDCRF(p *Problems, at string, resources []Resource) {
	p.require(len(parameters(s.Path)) == 0, at+".path", "%q has a parameter, of which a socket of protocol dcrf has no use", s.Path)
	for _, other := range []struct {
		key   string
		given bool
	}{{"topic", s.Topic != ""}, {"frame", s.Frame != nil}, {"forward", len(s.Forward) > 0}, {"anonymous", s.Anonymous != ""}} {
		p.require(!other.given, at+"."+other.key, "is of no use with protocol: dcrf, where the resource says all: leave it out")
	}
	p.require(s.Resource != "" || len(s.Streams) > 0, at+".resource", "is missing: name a resource, or several under streams")
	p.require(s.Resource == "" || len(s.Streams) == 0, at+".streams", "does not go together with resource: one, or several, each as a stream of its name")
	if s.Resource != "" {
		checkServed(p, at+".resource", s.Resource, resources)
	}
	for i, name := range s.Streams {
		checkServed(p, index(at+".streams", i), name, resources)
		p.require(slices.Index(s.Streams, name) == i, index(at+".streams", i), "%q stands twice: keep one of them", name)
	}
}

// checkServed requires a resource whose changes can be heard of.
func checkServed(p *Problems, key, name string, resources []Resource) {
	at := slices.IndexFunc(resources, func(r Resource) bool { return r.Name == name })
	p.require(at >= 0, key, "%q is not listed under resources", name)
	p.require(at < 0 || resources[max(at, 0)].Topic != "", key, "%q has no topic under resources, so that nobody would hear of its changes", name)
}

// checkPlain requires that a socket of no protocol says nothing that only others have a use for.
func (s Socket) checkPlain(p *Problems, at string) {
	p.require(s.Resource == "", at+".resource", "is of use with protocol: dcrf only")
	p.require(len(s.Streams) == 0, at+".streams", "is of use with protocol: dcrf only")
}
