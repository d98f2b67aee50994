package api

import (
	"strings"

	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// eventTextFormat is the key of the native frames of events, as text, for followers of a topic with
// so many parts. For followers of several topics the frames have another cursor.
type eventTextFormat struct {
	parts   int
	several bool
}

// eventTexts encodes events as native frames, as text, for the follower of some topics.
type eventTexts struct {
	topics  []topic.Topic
	several bool
}

func newEventTexts(topics []topic.Topic) eventTexts {
	return eventTexts{topics: topics, several: len(topics) > 1}
}

// encode returns the frame of an event. All followers of the same format share it.
func (t eventTexts) encode(e *notifier.Event) []byte {
	followed := t.followedTopic(e.Topic)
	return e.Encoded(t.formatKey(followed), func(e *notifier.Event) []byte {
		return problem.MustEncodeJSON(newEventFrame(e, followed, t.cursorOf(e)))
	})
}

func (t eventTexts) formatKey(followed topic.Topic) eventTextFormat {
	return eventTextFormat{parts: 1 + strings.Count(string(followed), "/"), several: t.several}
}

// cursorOf returns the cursor to resume from after an event; empty if there is none.
func (t eventTexts) cursorOf(e *notifier.Event) string {
	if t.several {
		return e.SharedCursor()
	}
	return e.Cursor()
}

// followedTopic returns the followed topic that an event is filed under, or the lowest of those
// above it.
func (t eventTexts) followedTopic(filed topic.Topic) topic.Topic {
	var found topic.Topic
	for _, candidate := range t.topics {
		if candidate.Covers(filed) && len(candidate) > len(found) {
			found = candidate
		}
	}
	return found
}
