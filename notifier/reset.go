package notifier

import (
	"encoding/json"
	"slices"
	"strings"

	"rowcall/notifier/topic"
)

// A reset event tells the followers of some topics that what they know of them is out of date: the
// table was truncated, or changes were not filed for a while. It is a row of the log with a reserved
// type, and is read, queued, held back and replayed like any other event, so that it comes in the order
// of the log and to nobody who may not follow. Take returns it as a Reset.
const resetType = "rowcall.reset"

// resetRoot begins the topic of a reset event. No other event that can be followed begins with it. What
// follows is the part of the pattern before its first parameter.
const resetRoot = "/"

// resetScope says whom a reset event is for.
type resetScope struct {
	reason   ResetReason
	patterns [][]string // the parts of each; an empty part stands for any
}

// readReset reads the scope of a reset event. If its data cannot be read, the event is for all that its
// topic says: telling too many is slow, telling too few leaves them with a wrong state. An event that
// does not begin with resetRoot was not filed by rowcall.reset, and is for nobody.
func readReset(filed string, data []byte) *resetScope {
	prefix, ours := strings.CutPrefix(filed, resetRoot)
	if !ours {
		return &resetScope{}
	}
	var given struct {
		Topics []string    `json:"topics"`
		Reason ResetReason `json:"reason"`
	}
	if json.Unmarshal(data, &given) != nil || len(given.Topics) == 0 {
		given.Topics = []string{prefix}
	}
	scope := &resetScope{reason: given.Reason}
	if !slices.Contains([]ResetReason{ResetTruncate, ResetSchema, ResetTriggers}, scope.reason) {
		scope.reason = ResetTriggers
	}
	for _, text := range given.Topics {
		scope.patterns = append(scope.patterns, patternParts(text))
	}
	return scope
}

// patternParts are the parts of a pattern. Parameters stand for any text, whatever their kind is.
func patternParts(text string) []string {
	if text == "" {
		return nil
	}
	parts := strings.Split(text, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, "{") {
			parts[i] = ""
		}
	}
	return parts
}

// concerns reports whether the reset is for the followers of a topic: the topic matches a pattern, or
// lies above or below a topic that does.
func (r *resetScope) concerns(followed topic.Topic) bool {
	return slices.ContainsFunc(r.patterns, func(pattern []string) bool { return isNear(pattern, string(followed)) })
}

// isNear reports whether a topic is at, above or below a topic that matches the pattern.
func isNear(pattern []string, name string) bool {
	for _, part := range pattern {
		word, rest, more := strings.Cut(name, "/")
		if !matchesPart(part, word) {
			return false
		}
		if !more {
			return true
		}
		name = rest
	}
	return true
}

func matchesPart(part, word string) bool { return part == "" || part == word }

// concerned are those of the topics that the reset is for.
func (r *resetScope) concerned(topics []topic.Topic) []topic.Topic {
	var found []topic.Topic
	for _, t := range topics {
		if r.concerns(t) {
			found = append(found, t)
		}
	}
	return found
}

// root is the root of all topics that the reset may be for, or empty if they have several.
func (r *resetScope) root() topic.Topic {
	var root string
	for i, pattern := range r.patterns {
		if len(pattern) == 0 || pattern[0] == "" || i > 0 && pattern[0] != root {
			return ""
		}
		root = pattern[0]
	}
	return topic.Topic(root)
}

// scopeOfSingleReset is the scope of a reset event that stands alone; nil for any other events.
func scopeOfSingleReset(events []*Event) *resetScope {
	if len(events) != 1 {
		return nil
	}
	return events[0].reset
}

// root is the first part of the topics of all followers that the event may reach. It is empty if they
// have several.
func (e *Event) root() topic.Topic {
	if e.reset != nil {
		return e.reset.root()
	}
	return e.Topic.Root()
}

// reaches reports whether the event is for followers of the topics, as far as topics say it.
func (e *Event) reaches(topics []topic.Topic) bool {
	if e.reset != nil {
		return slices.ContainsFunc(topics, e.reset.concerns)
	}
	return slices.ContainsFunc(topics, func(t topic.Topic) bool { return t.Covers(e.Topic) })
}
