package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// errGone says that nobody is there to be answered any more.
var errGone = errors.New("the client has gone")

// query is what an address asks for. It is read strictly: a value that is misspelt and answered
// with something else would be found out late.
type query struct{ url.Values }

func parseQuery(r *http.Request) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{}, explain(errBadRequest, "the query of the address cannot be read")
	}
	return query{values}, nil
}

// badParameter tells the client which parameter is wrong.
func badParameter(name, problem string) error {
	return explain(errBadRequest, name+": "+problem)
}

// text is a parameter that may stand once; empty without it.
func (q query) text(name string) (string, error) {
	if len(q.Values[name]) > 1 {
		return "", badParameter(name, "it stands there more than once")
	}
	return q.Get(name), nil
}

// number is a parameter that is a whole number within bounds.
func (q query) number(name string, least, most, otherwise int) (int, error) {
	text, err := q.text(name)
	if err != nil || !q.Has(name) {
		return otherwise, err
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || int(n) < least || int(n) > most {
		return 0, badParameter(name, fmt.Sprintf("it is a whole number from %d to %d", least, most))
	}
	return int(n), nil
}

// followed are topics that a request names, each once and in its one spelling.
func (s *Server) followed(names []string) ([]topic.Topic, error) {
	var topics []topic.Topic
	for _, name := range names {
		parsed, err := topic.Parse(name)
		if err != nil {
			return nil, badParameter("topic", topic.ErrInvalid.Error())
		}
		if parsed = s.topics.Spell(parsed); !slices.Contains(topics, parsed) {
			topics = append(topics, parsed)
		}
		if len(topics) > s.limits.SubscriptionsPerSocket {
			return nil, badParameter("topic", fmt.Sprintf("at most %d", s.limits.SubscriptionsPerSocket))
		}
	}
	if len(topics) == 0 {
		return nil, badParameter("topic", "name one or several")
	}
	return topics, nil
}

// subscribe asks the feed for what a request wants, where it is known who asks and the feed is up
// to it.
func (s *Server) subscribe(ctx context.Context, in admission, wanted notifier.Request) (subscription, notifier.Start, error) {
	switch {
	case in.unknown != nil:
		return nil, notifier.Start{}, in.unknown
	case s.feed.Health().Err != nil:
		return nil, notifier.Start{}, notifier.ErrUnavailable
	}
	wanted.Meter = s.door.Meter(in.address, in.who.User)
	return s.subscribeAs(ctx, in.who, wanted)
}

// subscribeAs subscribes for somebody.
func (s *Server) subscribeAs(ctx context.Context, who Identity, wanted notifier.Request) (subscription, notifier.Start, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeWait)
	defer cancel()
	wanted.Follower = who.Follower()
	return s.feed.Subscribe(ctx, wanted)
}

// alarm holds a token while a request's subscription has something new.
type alarm chan struct{}

func newAlarm() alarm { return make(alarm, 1) }

func (a alarm) wake() {
	select {
	case a <- struct{}{}:
	default:
	}
}
