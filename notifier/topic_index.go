package notifier

import (
	"iter"

	"rowcall/notifier/topic"
)

// topicIndex finds subscriptions by the topics they follow, and by what lies below a topic. It has
// a node for each followed topic and for each ancestor of one.
type topicIndex map[topic.Topic]*topicNode

// topicNode is what a topicIndex knows about one topic.
type topicNode struct {
	followers map[*Subscription]struct{} // of exactly this topic
	children  map[topic.Topic]*topicNode // one part longer, with followers at or below
	below     int                        // followers of this topic and of all topics below it
}

// add files the subscription under the topic. A second call for the same pair does nothing.
func (x topicIndex) add(t topic.Topic, s *Subscription) {
	if _, known := x.followers(t)[s]; known {
		return
	}
	node := x.nodeOf(t)
	if node.followers == nil {
		node.followers = make(map[*Subscription]struct{})
	}
	node.followers[s] = struct{}{}
	for above := range t.Lineage {
		x[above].below++
	}
}

// nodeOf returns the topic's node. It makes the node and those of its ancestors if they are
// missing.
func (x topicIndex) nodeOf(t topic.Topic) *topicNode {
	var child topic.Topic
	for above := range t.Lineage {
		node, known := x[above]
		if !known {
			node = new(topicNode)
			x[above] = node
		}
		if child != "" {
			if node.children == nil {
				node.children = make(map[topic.Topic]*topicNode)
			}
			node.children[child] = x[child]
		}
		if known {
			break // and so are its ancestors
		}
		child = above
	}
	return x[t]
}

// remove takes the subscription out of the topic. If it is not there, nothing happens.
func (x topicIndex) remove(t topic.Topic, s *Subscription) {
	if _, known := x.followers(t)[s]; !known {
		return
	}
	delete(x[t].followers, s)
	var gone topic.Topic
	for above := range t.Lineage {
		node := x[above]
		if gone != "" {
			delete(node.children, gone)
			gone = ""
		}
		if node.below--; node.below == 0 {
			delete(x, above)
			gone = above
		}
	}
}

// followers returns the subscriptions that follow exactly this topic. The caller must not change
// the map.
func (x topicIndex) followers(t topic.Topic) map[*Subscription]struct{} {
	if node := x[t]; node != nil {
		return node.followers
	}
	return nil
}

// countBelow is the number of followers of the topic and of all topics below it. A subscription to
// several of them counts several times.
func (x topicIndex) countBelow(t topic.Topic) int {
	if node := x[t]; node != nil {
		return node.below
	}
	return 0
}

// followersBelow yields the subscriptions that follow the topic or a topic below it. It yields a
// subscription to several of them several times.
func (x topicIndex) followersBelow(t topic.Topic) iter.Seq[*Subscription] {
	return func(yield func(*Subscription) bool) {
		if node := x[t]; node != nil {
			node.visit(yield)
		}
	}
}

func (n *topicNode) visit(yield func(*Subscription) bool) bool {
	for s := range n.followers {
		if !yield(s) {
			return false
		}
	}
	for _, child := range n.children {
		if !child.visit(yield) {
			return false
		}
	}
	return true
}

// followedNear yields, once each, the followed topics whose followers an event is for: its own topic and
// those above, or the scope of a reset event.
func (x topicIndex) followedNear(e *Event) iter.Seq[topic.Topic] {
	return func(yield func(topic.Topic) bool) {
		if e.reset != nil {
			x.visitConcerned(e.reset, yield)
			return
		}
		for t := range e.Topic.Lineage {
			if len(x.followers(t)) > 0 && !yield(t) {
				return
			}
		}
	}
}

// visitConcerned calls visit with the followed topics that a reset is for, until visit returns false.
// The work grows with what lies at and below the roots of its patterns.
func (x topicIndex) visitConcerned(scope *resetScope, visit func(topic.Topic) bool) {
	roots := make(map[topic.Topic]struct{})
	if root := scope.root(); root != "" {
		roots[root] = struct{}{}
	} else {
		for t := range x {
			roots[t.Root()] = struct{}{}
		}
	}
	for root := range roots {
		if node := x[root]; node != nil && !node.visitConcerned(root, scope, visit) {
			return
		}
	}
}

// visitConcerned is that of topicIndex for the node of a topic. Nothing below a topic is concerned if the
// topic is not.
func (n *topicNode) visitConcerned(t topic.Topic, scope *resetScope, visit func(topic.Topic) bool) bool {
	if !scope.concerns(t) {
		return true
	}
	if len(n.followers) > 0 && !visit(t) {
		return false
	}
	for below, child := range n.children {
		if !child.visitConcerned(below, scope, visit) {
			return false
		}
	}
	return true
}

// all yields each followed topic with the number of its followers.
func (x topicIndex) all() iter.Seq2[topic.Topic, int] {
	return func(yield func(topic.Topic, int) bool) {
		for t, node := range x {
			if n := len(node.followers); n > 0 && !yield(t, n) {
				return
			}
		}
	}
}
