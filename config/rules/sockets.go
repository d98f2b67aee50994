package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rowcall/notifier/topic"
)

// ProtocolDCRF is the protocol of sockets that serve resources, as Django Channels REST Framework
// speaks it.
const ProtocolDCRF = "dcrf"

// Socket is a WebSocket address. It is bound to one topic and sends frames in a format of its own,
// or, with Protocol, it serves resources.
type Socket struct {
	Path      string    `mapstructure:"path"`      // such as /ws/room/{room_id:int}; a slash at its end makes no difference
	Topic     string    `mapstructure:"topic"`     // with the path's parameters, and {me} for the follower's user id
	Frame     any       `mapstructure:"frame"`     // kwargs: type and data; data: the data alone; or an object to send as it is
	Forward   []Forward `mapstructure:"forward"`   // the types of events that the socket sends
	Anonymous string    `mapstructure:"anonymous"` // close: accept and close with 4401; refuse: answer the handshake with 403; close when empty
	Protocol  string    `mapstructure:"protocol"`  // dcrf: the socket serves resources, and has the fields below instead of those above
	Resource  string    `mapstructure:"resource"`  // the one resource that is served
	Streams   []string  `mapstructure:"streams"`   // or several resources, each as the stream of its name
}

// Forward lets events of one type through to a socket, with the named fields of their data in this
// order.
type Forward struct {
	Type   string   `mapstructure:"type"`
	Fields []string `mapstructure:"fields"`
}

// The values of Socket.Frame and Socket.Anonymous.
const (
	FrameKwargs     = "kwargs"
	FrameData       = "data"
	anonymousClose  = "close"
	anonymousRefuse = "refuse"
)

// ServesResources reports whether the socket serves resources instead of a topic.
func (s Socket) ServesResources() bool { return s.Protocol == ProtocolDCRF }

// RefusesAnonymous reports whether the handshake of an anonymous follower is refused.
func (s Socket) RefusesAnonymous() bool { return s.Anonymous == anonymousRefuse }

// PathPattern is the parsed path.
func (s Socket) PathPattern() topic.Pattern {
	parsed, _ := topic.ParsePathPattern(s.Path)
	return parsed
}

// TopicPattern is the parsed topic. Its parameters have the kinds that the path gives them.
func (s Socket) TopicPattern() topic.Pattern {
	parsed, _ := topic.ParsePattern(s.Topic)
	for _, given := range s.PathPattern().Parameters() {
		parsed = parsed.WithKind(given.Name, given.Kind)
	}
	return parsed
}

// LiteralFrame is the object that the socket sends for every event, as compact JSON. It is nil if
// the frame depends on the event.
func (s Socket) LiteralFrame() json.RawMessage {
	literal, err := s.encodeLiteral()
	if err != nil {
		return nil
	}
	return literal
}

func (s Socket) encodeLiteral() (json.RawMessage, error) {
	object, isObject := s.Frame.(map[string]any)
	if !isObject {
		return nil, nil
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(object)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}

// CheckSockets checks the rules of sockets, also against the topics and resources that they name.
func CheckSockets(sockets []Socket, topics []Topic, resources []Resource, p *Problems) {
	for i, s := range sockets {
		at := Entry("sockets", i)
		s.checkPath(p, at+".path")
		if s.ServesResources() {
			s.checkResources(p, at, resources)
		} else {
			s.checkTopicSocket(p, at, topics)
		}
		for j, other := range sockets[:i] {
			p.Require(!other.PathPattern().Overlaps(s.PathPattern()), at+".path",
				"%q and %q of %s could be the same address: change one of them", s.Path, other.Path, Entry("sockets", j))
		}
	}
}

func (s Socket) checkPath(p *Problems, key string) {
	p.Require(s.Path != "", key, "is missing: write an address such as /ws/room/{room_id:int}")
	parsed, err := topic.ParsePathPattern(s.Path)
	p.AddError(key, err)
	p.Require(!parsed.Has(ParameterMe), key, "%q: {me} comes from the login: give the parameter another name", s.Path)
	for _, own := range addressesLike(parsed) {
		p.Require(!own.Overlaps(parsed), key, "%q could be an address of Rowcall's own, %s: choose another", s.Path, own)
	}
}

// addressesLike returns Rowcall's own addresses that have as many parts as a path. A socket there
// would hide them, or never be reached.
func addressesLike(path topic.Pattern) []topic.Pattern {
	addresses := []string{"healthz", "readyz"}
	for _, root := range []string{"api", "v1"} {
		for depth := range strings.Count(path.String(), "/") {
			root += fmt.Sprintf("/{p%d}", depth)
			addresses = append(addresses, root)
		}
	}
	patterns := make([]topic.Pattern, len(addresses))
	for i, address := range addresses {
		patterns[i], _ = topic.ParsePattern(address)
	}
	return patterns
}

// checkTopicSocket checks a socket that is bound to a topic.
func (s Socket) checkTopicSocket(p *Problems, at string, topics []Topic) {
	if s.Protocol != "" {
		p.RequireOneOf(at+".protocol", s.Protocol, ProtocolDCRF)
	}
	p.Require(s.Resource == "", at+".resource", "is of use with protocol: dcrf only")
	p.Require(len(s.Streams) == 0, at+".streams", "is of use with protocol: dcrf only")
	s.checkTopic(p, at+".topic", topics)
	s.checkFrame(p, at)
	if s.Anonymous != "" {
		p.RequireOneOf(at+".anonymous", s.Anonymous, anonymousClose, anonymousRefuse)
	}
}

// checkTopic requires that the path gives every parameter that the topic needs.
func (s Socket) checkTopic(p *Problems, key string, topics []Topic) {
	p.Require(s.Topic != "", key, "is missing: write a topic such as room/{room_id}")
	parsed, err := topic.ParsePattern(s.Topic)
	p.AddError(key, err)
	for _, needed := range parsed.Parameters() {
		p.Require(needed.Name == ParameterMe || s.PathPattern().Has(needed.Name), key,
			"{%s} has no value: the path has no such parameter, and only {me} comes from the login", needed.Name)
	}
	checkListed(p, key, s.TopicPattern(), topics)
}

// checkFrame requires a frame that the socket can send, and events to send it for.
func (s Socket) checkFrame(p *Problems, at string) {
	_, isLiteral := s.Frame.(map[string]any)
	p.Require(s.Frame != nil, at+".frame", "is missing: give kwargs, data, or an object to send as it is")
	p.Require(isLiteral || s.Frame == FrameKwargs || s.Frame == FrameData, at+".frame",
		"\"%v\" is not one of kwargs, data, or an object to send as it is", s.Frame)
	if _, err := s.encodeLiteral(); err != nil {
		p.Add(at+".frame", "cannot be sent as JSON: %v", err)
	}
	p.Require(len(s.Forward) > 0, at+".forward", "is empty: list the types of events this socket sends")
	for i, forward := range s.Forward {
		key := Entry(at+".forward", i)
		p.Require(forward.Type != "", key+".type", "is missing: name the type of event")
		first := slices.IndexFunc(s.Forward, func(other Forward) bool { return other.Type == forward.Type })
		p.Require(first == i, key+".type", "%q is listed twice: keep one of the two entries", forward.Type)
		p.Require(!isLiteral || len(forward.Fields) == 0, key+".fields",
			"are of no use in a frame that is sent as it is: leave them out")
		p.Require(isLiteral || len(forward.Fields) > 0, key+".fields",
			"is empty: list the fields of data that may be shown")
	}
}

// checkResources checks a socket that serves resources.
func (s Socket) checkResources(p *Problems, at string, resources []Resource) {
	p.Require(len(s.PathPattern().Parameters()) == 0, at+".path",
		"%q has a parameter, which is of no use to a socket of protocol dcrf", s.Path)
	for _, other := range []struct {
		key   string
		given bool
	}{{".topic", s.Topic != ""}, {".frame", s.Frame != nil}, {".forward", len(s.Forward) > 0}, {".anonymous", s.Anonymous != ""}} {
		p.Require(!other.given, at+other.key, "is of no use with protocol: dcrf, where the resource decides it: leave it out")
	}
	p.Require(s.Resource != "" || len(s.Streams) > 0, at+".resource", "is missing: name a resource, or several under streams")
	p.Require(s.Resource == "" || len(s.Streams) == 0, at+".streams",
		"does not go together with resource: name one resource, or several as streams")
	if s.Resource != "" {
		checkServed(p, at+".resource", s.Resource, resources)
	}
	for i, name := range s.Streams {
		key := Entry(at+".streams", i)
		checkServed(p, key, name, resources)
		p.Require(slices.Index(s.Streams, name) == i, key, "%q is listed twice: keep one of them", name)
	}
}

// checkServed requires a resource whose changes are filed under a topic.
func checkServed(p *Problems, key, name string, resources []Resource) {
	at := slices.IndexFunc(resources, func(r Resource) bool { return r.Name == name })
	if at < 0 {
		p.Add(key, "%q is not listed under resources", name)
		return
	}
	p.Require(resources[at].Topic != "", key, "%q has no topic under resources, so that nobody would hear of its changes", name)
}
