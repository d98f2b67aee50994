package rules

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// lists are the lists of a configuration, with one entry that is wrong in some way.
type lists struct {
	topics    []Topic
	sockets   []Socket
	resources []Resource
	functions []Function
}

// problems returns what the checks find wrong with all lists, a line each.
func (l lists) problems() []string {
	var found Problems
	CheckTopics(l.topics, &found)
	CheckSockets(l.sockets, l.topics, l.resources, &found)
	CheckResources(l.resources, l.topics, &found)
	CheckFunctions(l.functions, &found)
	lines := make([]string, len(found))
	for i, problem := range found {
		lines[i] = problem.String()
	}
	return lines
}

// expect fails the test unless each problem begins with the text at its place in want.
func (l lists) expect(t *testing.T, want ...string) {
	t.Helper()
	if got := l.problems(); !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("%+v:\ngot  %q\nwant %q", l, got, want)
	}
}

// dams is a socket without mistakes.
func dams() Socket {
	return Socket{Path: "/ws/dams", Topic: "dams", Frame: FrameData, Forward: []Forward{{Type: "dam.create", Fields: []string{"id"}}}}
}

// kinds are the topics that the sockets and resources of these tests name.
func kinds() []Topic {
	return []Topic{{Topic: "dams"}, {Topic: "room/{room_id:int}"}, {Topic: "jobs/{user_id:int}"}}
}

func TestTopicPatternsAreChecked(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                   `topics[0].topic: is missing`,
		"room/{room-id}":     `topics[0].topic: "room/{room-id}" has a parameter "room-id": write its name with letters, digits and _`,
		"room/{7}":           `topics[0].topic: "room/{7}" has a parameter "7": write its name with letters, digits and _, not beginning with a digit`,
		"room/{n:float}":     `topics[0].topic: "room/{n:float}" has a parameter n of type "float", which is none of int, uuid and text`,
		"room/{id}/{id}":     `topics[0].topic: "room/{id}/{id}" has the parameter id twice`,
		"/a//b":              `topics[0].topic: "/a//b" has an empty part`,
		"a{b}":               `topics[0].topic: "a{b}" has a part "a{b}" that is neither plain nor {name}`,
		"a b":                `topics[0].topic: "a b" has a part "a b": a topic is 1 to 200 bytes`,
		"profile/{me}":       `topics[0].topic: "profile/{me}": @me is the follower's own`,
		"audit/{staff:text}": `topics[0].topic: "audit/{staff:text}": @staff is the follower's own`,
	} {
		lists{topics: []Topic{{Topic: text, Access: "SELECT @nobody"}}}.expect(t, want)
	}
}

func TestTopicsThatCouldBeTheSame(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		first, second string
		same          bool
	}{
		{"a/{x}", "a/b", true},
		{"a/b", "a/{x}", true},
		{"room/{id:int}", "room/{room_id:int}", true},
		{"room/{id:int}", "room/{name}", true},
		{"room/{id:int}", "room/all", false},
		{"room", "room/{id:int}", false},
		{"/a", "/a", false}, // neither is a pattern: that is the problem
	} {
		found := lists{topics: []Topic{{Topic: c.first}, {Topic: c.second}}}.problems()
		if got := strings.Contains(strings.Join(found, "\n"), "topics[1].topic: \""+c.second+"\" and \""+c.first+"\" of topics[0] could be the same topic"); got != c.same {
			t.Errorf("%s beside %s: got %q, want the same topic: %v", c.first, c.second, found, c.same)
		}
	}
}

func TestRulesOfATopic(t *testing.T) {
	t.Parallel()
	lists{topics: []Topic{
		{Topic: "room/{room_id:int}", Allow: AllowAuthenticated, Access: "SELECT @me = 1 AS allowed -- @anything", Snapshot: "SELECT @room_id, @staff;", Slow: "latest", Key: "id"},
		{Topic: "dams", Allow: AllowPublic},
		{Topic: "ward"},
	}}.expect(t)
	lists{topics: []Topic{
		{Topic: "a/{id}", Allow: "everybody", Access: "SELECT @nobody AS allowed", Snapshot: "SELECT 1; SELECT 2"},
		{Topic: "b", Slow: "newest", Key: "id"},
		{Topic: "c", Slow: "latest"},
		{Topic: "d", Key: "id", Access: "SELECT $1", Snapshot: "SELECT 'x"},
	}}.expect(t,
		`topics[0].allow: "everybody" is not one of public, authenticated, staff`,
		`topics[0].access: names the parameter @nobody, which does not exist; the parameters here are @me, @staff, @claims, @id`,
		`topics[0].snapshot: is more than one statement`,
		`topics[1].slow: "newest" is not one of latest`,
		`topics[2].key: belongs to slow: latest`,
		`topics[3].key: belongs to slow: latest`,
		`topics[3].access: has a parameter such as $1`,
		`topics[3].snapshot: has a quote ' that is not closed`,
	)
}

func TestSocketsOfTopics(t *testing.T) {
	t.Parallel()
	with := func(change func(*Socket)) lists {
		s := dams()
		change(&s)
		return lists{topics: kinds(), sockets: []Socket{s}}
	}
	with(func(*Socket) {}).expect(t)
	with(func(s *Socket) { s.Path, s.Topic = "/ws/room/{room_id:int}/", "room/{room_id}" }).expect(t)
	with(func(s *Socket) { s.Topic, s.Anonymous = "jobs/{me}", "refuse" }).expect(t)
	with(func(s *Socket) {
		s.Frame, s.Forward = map[string]any{"message": "New Dam"}, []Forward{{Type: "dam.create"}}
	}).expect(t)

	with(func(s *Socket) { s.Path = "" }).expect(t, `sockets[0].path: is missing`)
	with(func(s *Socket) { s.Path = "ws" }).expect(t, `sockets[0].path: "ws" is no path: begin with a slash`)
	with(func(s *Socket) { s.Path = "/ws/{room-id}" }).expect(t, `sockets[0].path: "ws/{room-id}" has a parameter "room-id"`)
	with(func(s *Socket) { s.Path = "/ws/jobs/{me}" }).expect(t, `sockets[0].path: "/ws/jobs/{me}": {me} comes from the login`)
	with(func(s *Socket) { s.Topic = "" }).expect(t, `sockets[0].topic: is missing`)
	with(func(s *Socket) { s.Topic = "room/{n:float}" }).expect(t, `sockets[0].topic: "room/{n:float}" has a parameter n of type "float"`)
	with(func(s *Socket) { s.Topic = "room/{room_id}" }).expect(t, `sockets[0].topic: {room_id} has no value`)
	with(func(s *Socket) { s.Topic = "patients" }).expect(t, `sockets[0].topic: "patients": no topic of this form is listed under topics`)
	with(func(s *Socket) { s.Anonymous = "welcome" }).expect(t, `sockets[0].anonymous: "welcome" is not one of close, refuse`)
	with(func(s *Socket) { s.Protocol = "mqtt" }).expect(t, `sockets[0].protocol: "mqtt" is not one of dcrf`)
	with(func(s *Socket) { s.Resource, s.Streams = "dams", []string{"dams"} }).expect(t,
		`sockets[0].resource: is of use with protocol: dcrf only`, `sockets[0].streams: is of use with protocol: dcrf only`)
}

func TestFramesOfSockets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		frame   any
		forward []Forward
		want    []string
	}{
		{nil, []Forward{{Type: "a", Fields: []string{"b"}}}, []string{`sockets[0].frame: is missing`}},
		{"object", []Forward{{Type: "a", Fields: []string{"b"}}}, []string{`sockets[0].frame: "object" is not one of kwargs, data, or an object`}},
		{[]any{1}, []Forward{{Type: "a", Fields: []string{"b"}}}, []string{`sockets[0].frame: "[1]" is not one of kwargs, data, or an object`}},
		{map[string]any{"a": 1}, []Forward{{Type: "a", Fields: []string{"b"}}}, []string{`sockets[0].forward[0].fields: are of no use in a frame that is sent as it is`}},
		{map[string]any{"a": math.NaN()}, []Forward{{Type: "a"}}, []string{`sockets[0].frame: cannot be sent as JSON`}},
		{map[string]any{"a": map[any]any{1: "b"}}, []Forward{{Type: "a"}}, []string{`sockets[0].frame: cannot be sent as JSON`}},
		{"data", nil, []string{`sockets[0].forward: is empty`}},
		{"kwargs", []Forward{{Fields: []string{"b"}}, {Type: "a"}}, []string{`sockets[0].forward[0].type: is missing`, `sockets[0].forward[1].fields: is empty`}},
		{"data", []Forward{{Type: "a", Fields: []string{"b"}}, {Type: "a", Fields: []string{"c"}}}, []string{`sockets[0].forward[1].type: "a" is listed twice`}},
	} {
		s := dams()
		s.Frame, s.Forward = c.frame, c.forward
		lists{topics: kinds(), sockets: []Socket{s}}.expect(t, c.want...)
	}
}

func TestSocketsThatCouldBeTheSameAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		first, second string
		same          bool
	}{
		{"/ws/dams", "/ws/dams/", true},
		{"/ws/{a}", "/ws/dams", true},
		{"/ws/{a:int}", "/ws/7", true},
		{"/ws/{a:int}", "/ws/dams", false},
	} {
		first, second := dams(), dams()
		first.Path, second.Path = c.first, c.second
		want := []string{`sockets[1].path: "` + c.second + `" and "` + c.first + `" of sockets[0] could be the same address`}
		if !c.same {
			want = nil
		}
		lists{topics: kinds(), sockets: []Socket{first, second}}.expect(t, want...)
		served := Socket{Path: c.second, Protocol: ProtocolDCRF, Resource: "dams"}
		lists{topics: kinds(), sockets: []Socket{first, served}, resources: []Resource{{Name: "dams", Table: "dams", Topic: "dams"}}}.expect(t, want...)
	}
}

// Requests to these addresses are answered before sockets are looked for, or a socket would hide them.
func TestSocketsAtAddressesOfRowcallsOwn(t *testing.T) {
	t.Parallel()
	for path, own := range map[string]string{
		"/v1/ws":              "v1/{p0}",
		"/v1/ws/":             "v1/{p0}",
		"/v1/{x}/more":        "v1/{p0}/{p1}",
		"/api/patients":       "api/{p0}",
		"/{a}/{b}":            "api/{p0}",
		"/healthz":            "healthz",
		"/{page}":             "healthz",
		"/ws/v1":              "",
		"/v1":                 "",
		"/dams/v1/ws/{a:int}": "",
	} {
		s := dams()
		s.Path = path
		var want []string
		if own != "" {
			want = []string{`sockets[0].path: "` + path + `" could be an address of Rowcall's own, ` + own}
		}
		lists{topics: kinds(), sockets: []Socket{s}}.expect(t, want...)
	}
}

func TestSocketsOfResources(t *testing.T) {
	t.Parallel()
	resources := []Resource{{Name: "dams", Table: "dams", Topic: "dams"}, {Name: "mute", Table: "patients"}}
	for _, c := range []struct {
		socket Socket
		want   []string
	}{
		{Socket{Path: "/d/", Resource: "dams"}, nil},
		{Socket{Path: "/d/", Streams: []string{"dams"}}, nil},
		{Socket{Path: "/d/"}, []string{`sockets[0].resource: is missing`}},
		{Socket{Path: "/d/{id}", Resource: "dams"}, []string{`sockets[0].path: "/d/{id}" has a parameter`}},
		{Socket{Path: "/d/", Resource: "dams", Streams: []string{"dams"}}, []string{`sockets[0].streams: does not go together with resource`}},
		{Socket{Path: "/d/", Resource: "mute"}, []string{`sockets[0].resource: "mute" has no topic under resources`}},
		{Socket{Path: "/d/", Streams: []string{"dams", "nowhere", "dams"}}, []string{
			`sockets[0].streams[1]: "nowhere" is not listed under resources`, `sockets[0].streams[2]: "dams" is listed twice`}},
		{Socket{Path: "/d/", Resource: "dams", Topic: "dams", Frame: "data", Forward: []Forward{{Type: "a"}}, Anonymous: "close"}, []string{
			`sockets[0].topic: is of no use`, `sockets[0].frame: is of no use`, `sockets[0].forward: is of no use`, `sockets[0].anonymous: is of no use`}},
	} {
		c.socket.Protocol = ProtocolDCRF
		lists{topics: kinds(), sockets: []Socket{c.socket}, resources: resources}.expect(t, c.want...)
	}
}

func TestResourcesAndFunctions(t *testing.T) {
	t.Parallel()
	lists{topics: kinds(), resources: []Resource{
		{Name: "dams", Table: "dams", Topic: "dams", Follow: []string{"jobs/{me}"}},
		{Name: "dams"},
		{Name: "Dams/x", Table: "a", Allow: "members", Topic: "room/{id}"},
		{Table: "a", Topic: "a/{room-id}", Follow: []string{"dams", "", "nowhere", "room/{room_id}"}},
	}}.expect(t,
		`resources[1].name: "dams" is the name of resources[0] too`,
		`resources[1].table: is missing`,
		`resources[2].name: "Dams/x" stands in the address`,
		`resources[2].allow: "members" is not one of public, authenticated, staff`,
		`resources[2].topic: {id} has no value: only {me} comes from the login`,
		`resources[3].name: is missing`,
		`resources[3].topic: "a/{room-id}" has a parameter "room-id"`,
		`resources[3].follow[1]: is empty`,
		`resources[3].follow[2]: "nowhere": no topic of this form is listed under topics`,
		`resources[3].follow[3]: {room_id} has no value`,
	)
	lists{functions: []Function{
		{Name: "join_room", Function: "f"},
		{Name: "join_room", Allow: "members"},
		{Name: "a b", Function: "f"},
	}}.expect(t,
		`functions[1].name: "join_room" is the name of functions[0] too`,
		`functions[1].function: is missing`,
		`functions[1].allow: "members" is not one of public, authenticated, staff`,
		`functions[2].name: "a b" stands in the address`,
	)
}

// A resource is served at /api/{name}, a function at /api/functions/{name}, where no name is taken.
func TestAddressesOfRowcallsOwn(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"login", "logout", "me", "session", "console", "functions", "resources"} {
		lists{resources: []Resource{{Name: name, Table: "dams"}}}.expect(t, `resources[0].name: "`+name+`" is an address of Rowcall's own`)
		lists{functions: []Function{{Name: name, Function: "f"}}}.expect(t)
	}
}

// Rules that have not passed the checks let nobody in.
func TestRulesThatWereNotChecked(t *testing.T) {
	t.Parallel()
	if _, ok := (Topic{Topic: "a//b"}).Pattern().Match("a//b"); ok {
		t.Error("a pattern that is wrong matches its own text")
	}
	if _, ok := (Socket{Path: "ws"}).PathPattern().MatchPath("/ws"); ok {
		t.Error("a path that is wrong matches a path")
	}
	if literal := (Socket{Frame: map[string]any{"a": math.NaN()}}).LiteralFrame(); literal != nil {
		t.Errorf("a frame that is no JSON is sent as %s", literal)
	}
	if p, ok := (Resource{Topic: "a//b"}).TopicPattern(); ok {
		t.Errorf("a resource's topic that is wrong is %s", p)
	}
}

func TestTopicOfASocketHasTheKindsOfItsPath(t *testing.T) {
	t.Parallel()
	s := Socket{Path: "/ws/{room_id:int}/{name}", Topic: "{name}/{room_id}/{me}"}
	for name, want := range map[string]bool{"a/7/x": true, "a/b/x": false} {
		if _, ok := s.TopicPattern().Match(name); ok != want {
			t.Errorf("the topic of %+v matches %s: got %v, want %v", s, name, ok, want)
		}
	}
}

func TestLiteralFrameIsSentAsItIsWritten(t *testing.T) {
	t.Parallel()
	s := Socket{Frame: map[string]any{"message": "<New> & Dam", "n": 1}}
	if got, want := string(s.LiteralFrame()), `{"message":"<New> & Dam","n":1}`; got != want {
		t.Errorf("the frame is %s, want %s", got, want)
	}
}

func TestTheFirstProblemOfAKeyStaysAlone(t *testing.T) {
	t.Parallel()
	var p Problems
	if p.Err() != nil {
		t.Errorf("no problems are the error %v", p.Err())
	}
	p.Add("topics[1]", "is no section")
	p.Add("topics[1].topic", "is missing")
	p.Add("topics[1].topic", "is missing")
	p.Add("topics[10].topic", "is %s", "missing")
	want := "the configuration is not valid:\n  topics[1]: is no section\n  topics[10].topic: is missing"
	if p.Err() == nil || p.Error() != want {
		t.Errorf("got  %q\nwant %q", p.Error(), want)
	}
}
