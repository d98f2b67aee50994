package api

import (
	"strings"

	"rowcall/api/problem"
	"rowcall/notifier"
	"rowcall/notifier/topic"
)

// textFormat stands for the native frames of events as plain text, for a follower of so many parts
// of their topic. Where several topics are followed at once, the frames carry another cursor.
type textFormat struct {
	parts   int
	several bool
}

// texts are the native frames of events as plain text, for the follower of some topics.
type texts struct {
	topics  []topic.Topic
	several bool
}

func newTexts(topics []topic.Topic) texts {
	return texts{topics: topics, several: len(topics) > 1}
}

// of is the frame of an event. All who follow alike share one.
func (t texts) of(e *notifier.Event) []byte {
	followed := t.nearest(e.Topic)
	return e.Encoded(t.format(followed), func(e *notifier.Event) []byte {
		return problem.MustEncodeJSON(newEventFrame(e, followed, t.cursor(e)))
	})
}

func (t texts) format(followed topic.Topic) textFormat {
	return textFormat{parts: 1 + strings.Count(string(followed), "/"), several: t.several}
}

// cursor is where the follower resumes after an event; empty where nobody can say.
func (t texts) cursor(e *notifier.Event) string {
	if t.several {
		return e.SharedCursor()
	}
	return e.Cursor()
}

// nearest is the followed topic that an event is filed under, or the lowest of those above it.
func (t texts) nearest(filed topic.Topic) topic.Topic {
	var found topic.Topic
	for _, candidate := range t.topics {
		if candidate.Covers(filed) && len(candidate) > len(found) {
			found = candidate
		}
	}
	return found
}
