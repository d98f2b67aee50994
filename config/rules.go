package config

import (
	"fmt"
	"slices"
	"strings"
)

// checkTopics checks what can be seen without the database. Whether patterns make sense to the
// router and SQL to PostgreSQL is found out when both are prepared.
func checkTopics(topics []Topic, p *Problems) {
	seen := map[string]int{}
	for i, topic := range topics {
		at := index("topics", i)
		checkPattern(p, at+".topic", topic.Topic)
		if topic.Allow != "" {
			oneOf(p, at+".allow", topic.Allow, "public", "authenticated", "staff")
		}
		if topic.Slow != "" {
			oneOf(p, at+".slow", topic.Slow, "latest")
		}
		p.require((topic.Slow == "") == (topic.Key == ""), at+".key",
			"belongs to slow: latest, which needs it: the field of the events' data whose newest event is enough")
		same := nameless(topic.Topic)
		first, twice := seen[same]
		p.require(!twice, at+".topic", "%q covers the same topics as topics[%d]: keep one of them", topic.Topic, first)
		seen[same] = i
	}
}

// checkPattern requires parts between single slashes, each plain or one parameter.
func checkPattern(p *Problems, key, pattern string) {
	p.require(pattern != "", key, "is missing: write a pattern such as room/{room_id:int}")
	for part := range strings.SplitSeq(pattern, "/") {
		_, _, isParameter := parameter(part)
		p.require(part != "", key, "%q has an empty part: write parts between single slashes, none at the ends", pattern)
		p.require(isParameter || !strings.ContainsAny(part, "{} "), key,
			"%q has a part %q that is neither plain nor {name} nor {name:int}", pattern, part)
	}
}

// parameter reads a part of a pattern that is {name} or {name:kind}.
func parameter(part string) (name, kind string, ok bool) {
	inner, opened := strings.CutPrefix(part, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	name, kind, _ = strings.Cut(inner, ":")
	return name, kind, opened && closed && name != ""
}

// parameters are the names of a pattern's parameters.
func parameters(pattern string) []string {
	var names []string
	for part := range strings.SplitSeq(pattern, "/") {
		if name, _, ok := parameter(part); ok {
			names = append(names, name)
		}
	}
	return names
}

// nameless is a pattern without the names of its parameters: two patterns of one nameless form
// cover the same.
func nameless(pattern string) string {
	parts := strings.Split(pattern, "/")
	for i, part := range parts {
		if _, kind, ok := parameter(part); ok {
			parts[i] = "{:" + kind + "}"
		}
	}
	return strings.Join(parts, "/")
}

func checkSockets(sockets []Socket, resources []Resource, p *Problems) {
	seen := map[string]int{}
	for i, socket := range sockets {
		at := index("sockets", i)
		checkPath(p, at+".path", socket.Path)
		socket.check(p, at, resources)
		same := nameless(strings.TrimSuffix(socket.Path, "/"))
		first, twice := seen[same]
		p.require(!twice, at+".path", "%q is the address of sockets[%d] too: keep one of them", socket.Path, first)
		seen[same] = i
	}
}

// check goes by the protocol.
func (s Socket) check(p *Problems, at string, resources []Resource) {
	if s.Protocol == protocolDCRF {
		s.checkDCRF(p, at, resources)
		return
	}
	if s.Protocol != "" {
		oneOf(p, at+".protocol", s.Protocol, protocolDCRF)
	}
	s.checkPlain(p, at)
	s.checkTopic(p, at+".topic")
	s.checkFrame(p, at)
	if s.Anonymous != "" {
		oneOf(p, at+".anonymous", s.Anonymous, "close", "refuse")
	}
}

func checkPath(p *Problems, key, path string) {
	inner, rooted := strings.CutPrefix(strings.TrimSuffix(path, "/"), "/")
	p.require(rooted && inner != "", key, "%q is no address: begin with a slash, such as /ws/room/{room_id:int}", path)
	checkPattern(p, key, inner)
}

// checkTopic requires that the path gives every parameter the topic needs.
func (s Socket) checkTopic(p *Problems, key string) {
	checkPattern(p, key, s.Topic)
	given := append(parameters(s.Path), "me")
	for _, name := range parameters(s.Topic) {
		p.require(slices.Contains(given, name), key,
			"{%s} has no value: the path has no such parameter, and only {me} comes from the login", name)
	}
}

// checkFrame requires a frame the socket can send, and something to send in it.
func (s Socket) checkFrame(p *Problems, at string) {
	_, literal := s.Frame.(map[string]any)
	p.require(s.Frame != nil, at+".frame", "is missing: give kwargs, data, or an object to send as it is")
	p.require(literal || s.Frame == "kwargs" || s.Frame == "data", at+".frame",
		"\"%v\" is not one of kwargs, data, or an object to send as it is", s.Frame)
	p.require(len(s.Forward) > 0, at+".forward", "is empty: list the types of events this socket sends")
	for i, forward := range s.Forward {
		key := index(at+".forward", i)
		p.require(forward.Type != "", key+".type", "is missing: name the type of event")
		p.require(literal == (len(forward.Fields) == 0), key+".fields", "%s", fieldsRule(literal))
	}
}

func fieldsRule(literal bool) string {
	if literal {
		return "are of no use in a frame that is sent as it is: leave them out"
	}
	return "is empty: list the fields of data that may be shown"
}

// index is the key path of an entry of a list.
func index(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }
