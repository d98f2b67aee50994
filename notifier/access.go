package notifier

import (
	"encoding/json"

	"rowcall/notifier/topic"
)

// accessEvent says whose access must be asked again. An empty topic stands for all topics of the
// user, and an empty user for all followers of the topic.
type accessEvent struct {
	topic topic.Topic
	user  string // a user id, or the alias of a login
}

// access reads an access event. If its data cannot be read, the event is about every user: asking
// about too many is slow, asking about too few is a leak.
func (r logRow) access() accessEvent {
	var data struct {
		User string `json:"user_id"`
	}
	if json.Unmarshal(r.data, &data) != nil {
		data.User = ""
	}
	return accessEvent{topic: topic.Topic(r.topic), user: data.User}
}

// accessEvents is the set of access events that one poll has found.
type accessEvents map[accessEvent]struct{}

func newAccessEvents(found []accessEvent) accessEvents {
	set := make(accessEvents, len(found))
	for _, a := range found {
		set[a] = struct{}{}
	}
	return set
}

// concern reports whether one of the events is about the follower with one of the topics. An event
// is about a topic if it names the topic or an ancestor of it.
func (set accessEvents) concern(topics []topic.Topic, who Follower) bool {
	if set.has("", who.User) || set.has("", who.Alias) || set.has("", "") {
		return true
	}
	for _, followed := range topics {
		for t := range followed.Lineage {
			if set.has(t, "") || who.User != "" && set.has(t, who.User) {
				return true
			}
		}
	}
	return false
}

func (set accessEvents) has(t topic.Topic, user string) bool {
	_, ok := set[accessEvent{t, user}]
	return ok
}

// haveAncestorOf reports whether one of the events is about all followers of an ancestor of the
// topic.
func (set accessEvents) haveAncestorOf(t topic.Topic) bool {
	for above := range t.Lineage {
		if above != t && set.has(above, "") {
			return true
		}
	}
	return false
}
