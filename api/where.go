package api

import (
	"rowcall/api/access"
	"rowcall/api/problem"
	"rowcall/notifier/topic"
)

// filterIn reads the parameter where, for notifier.Request.Filter; nil if it is not given. Whether it fits the topic is not looked
// at. The error is problem.ErrFilter or problem.ErrBadRequest.
func filterIn(q problem.Query, topics []topic.Topic) (any, error) {
	text, err := q.Text("where")
	if err != nil || !q.Has("where") {
		return nil, err
	}
	if len(topics) > 1 {
		return nil, problem.BadParameter("where", "a filter is for one topic")
	}
	return access.ParseFilter([]byte(text))
}
