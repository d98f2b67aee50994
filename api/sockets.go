package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"rowcall/api/problem"
	"rowcall/notifier/topic"
)

// SocketRule is a WebSocket address of its own: bound to one topic, in a format of its own, or serving
// resources, of protocol dcrf.
type SocketRule struct {
	Path      string    // such as /ws/room/{room_id:int}; with and without a slash at its end
	Topic     string    // with the path's parameters and {me}, the follower's user id
	Frame     any       // kwargs: type and data; data: data alone; or a literal JSON object
	Forward   []Forward // the types of events it lets through; others are not sent
	Anonymous string    // close: accepted and closed 4401; refuse: the handshake gets 403; close when empty

	Protocol string   // dcrf; empty: all of the above, and none of the below
	Resource string   // the one that is served
	Streams  []string // the resources that are served together, each as the stream of its name
}

// Forward lets events of one type through, with the named fields of their data in this order.
type Forward struct {
	Type   string
	Fields []string
}

// socket is a compiled SocketRule. It is the key of its encodings.
type socket struct {
	path    topic.Pattern
	topic   topic.Pattern
	refuse  bool            // anonymous followers, at the handshake
	literal json.RawMessage // the frame, whatever the event says
	kwargs  bool            // the frame is type and kwargs; else data alone
	forward map[string][]string
}

// compileSockets checks the rules of sockets that are bound to topics against those of the topics. The error joins
// all problems, each with its key path.
func compileSockets(sources []SocketRule, topics *Rules) ([]*socket, error) {
	return compileEach("sockets", speaking(sources, false), func(source SocketRule, others []*socket) (*socket, error) {
		compiled, err := compileSocket(source, topics)
		if err == nil {
			err = at("path", compiled.clash(others))
		}
		return compiled, err
	})
}

// speaking picks the rules that are of protocol dcrf, or those that are not.
func speaking(rules []SocketRule, dcrf bool) iter.Seq2[int, SocketRule] {
	return func(yield func(int, SocketRule) bool) {
		for i, rule := range rules {
			if (rule.Protocol == protocolDCRF) == dcrf && !yield(i, rule) {
				return
			}
		}
	}
}

// compileSocket returns all that is wrong with one rule, joined.
func compileSocket(source SocketRule, topics *Rules) (*socket, error) {
	s := &socket{}
	var err1, err2 error
	s.path, err1 = topic.ParsePathPattern(source.Path)
	if err1 == nil {
		s.topic, err2 = s.compileTopic(source.Topic, topics)
	}
	err3 := s.setAnonymous(source.Anonymous)
	err4 := s.setFrame(source.Frame)
	err5 := s.setForward(source.Forward)
	return s, errors.Join(at("path", err1), at("topic", err2), at("anonymous", err3), at("frame", err4), err5)
}

// compileTopic gives the topic's parameters the types that the path says.
func (s *socket) compileTopic(text string, topics *Rules) (topic.Pattern, error) {
	compiled, err := topic.ParsePattern(text)
	if err != nil {
		return topic.Pattern{}, err
	}
	given := s.path.Parameters()
	for _, p := range compiled.Parameters() {
		at := slices.IndexFunc(given, func(own topic.Parameter) bool { return own.Name == p.Name })
		switch {
		case p.Name == paramMe:
		case at < 0:
			return topic.Pattern{}, fmt.Errorf("%q: the path has no parameter %s", text, p.Name)
		default:
			compiled = compiled.WithKind(p.Name, given[at].Kind)
		}
	}
	if !topics.lists(compiled) {
		return topic.Pattern{}, fmt.Errorf("%q: no topic of this form is listed under topics", text)
	}
	return compiled, nil
}

func (s *socket) clash(others []*socket) error {
	for _, other := range others {
		if other.path.Overlaps(s.path) {
			return fmt.Errorf("%q and %q could be the same path", other.path.String(), s.path.String())
		}
	}
	return nil
}

func (s *socket) setAnonymous(what string) error {
	switch what {
	case "", "close":
		return nil
	case "refuse":
		s.refuse = true
		return nil
	}
	return fmt.Errorf("%q is neither close nor refuse", what)
}

func (s *socket) setFrame(frame any) error {
	switch frame {
	case "kwargs":
		s.kwargs = true
		return nil
	case "data":
		return nil
	}
	literal, err := problem.EncodeJSON(frame)
	if err != nil || !bytes.HasPrefix(literal, []byte("{")) {
		return errors.New("it is neither kwargs nor data nor an object")
	}
	s.literal = literal
	return nil
}

func (s *socket) setForward(list []Forward) error {
	s.forward = make(map[string][]string, len(list))
	var problems []error
	for i, f := range list {
		if f.Type == "" {
			problems = append(problems, fmt.Errorf("forward[%d].type: it is empty", i))
		}
		if len(f.Fields) == 0 && s.literal == nil {
			problems = append(problems, fmt.Errorf("forward[%d].fields: name the fields of data that may be seen", i))
		}
		s.forward[f.Type] = f.Fields
	}
	if len(list) == 0 {
		problems = append(problems, errors.New("forward: name the types of events"))
	}
	return errors.Join(problems...)
}

// topicOf is the topic behind an address, for a follower.
func (s *socket) topicOf(values []string, user string) string {
	names := s.path.Parameters()
	return s.topic.Expand(func(name string) string {
		if name == paramMe {
			return user
		}
		return values[slices.IndexFunc(names, func(p topic.Parameter) bool { return p.Name == name })]
	})
}
