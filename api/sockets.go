package api

import (
	"encoding/json"
	"slices"

	"rowcall/api/access"
	"rowcall/api/resource"
	"rowcall/config/rules"
	"rowcall/notifier/topic"
)

// socket is a compiled rule of a socket that is bound to a topic. It is the key of its encodings.
type socket struct {
	path    topic.Pattern
	topic   topic.Pattern
	refuse  bool                // anonymous followers, at the handshake
	literal json.RawMessage     // the frame, whatever the event says; nil: it depends on the event
	kwargs  bool                // the frame is type and kwargs; else data alone
	forward map[string][]string // the fields that are sent, by type of event
}

// compileSockets checks the rules and compiles them. The error is a rules.Problems.
func compileSockets(sources []rules.Socket, topics *access.Rules, resources *resource.Resources) ([]*socket, []*dcrfSocket, error) {
	var wrong rules.Problems
	rules.CheckSockets(sources, topics.Sources(), resources.Sources(), &wrong)
	if err := wrong.Err(); err != nil {
		return nil, nil, err
	}
	var plain []*socket
	var dcrf []*dcrfSocket
	for _, source := range sources {
		if source.ServesResources() {
			dcrf = append(dcrf, compileDCRFSocket(source, resources))
		} else {
			plain = append(plain, compileSocket(source))
		}
	}
	return plain, dcrf, nil
}

// compileSocket makes a socket of a rule that has passed the checks.
func compileSocket(source rules.Socket) *socket {
	s := &socket{
		path:    source.PathPattern(),
		topic:   source.TopicPattern(),
		refuse:  source.RefusesAnonymous(),
		literal: source.LiteralFrame(),
		kwargs:  source.Frame == rules.FrameKwargs,
		forward: make(map[string][]string, len(source.Forward)),
	}
	for _, f := range source.Forward {
		s.forward[f.Type] = f.Fields
	}
	return s
}

// topicOf is the topic behind an address, for a follower.
func (s *socket) topicOf(values []string, user string) string {
	names := s.path.Parameters()
	return s.topic.Expand(func(name string) string {
		if name == rules.ParameterMe {
			return user
		}
		return values[slices.IndexFunc(names, func(p topic.Parameter) bool { return p.Name == name })]
	})
}
