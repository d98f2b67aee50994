package rules

import (
	"slices"

	"rowcall/notifier/filter"
	"rowcall/notifier/topic"
)

// Topic says who may follow the topics that match a pattern. A topic that matches no pattern of the
// configuration does not exist.
type Topic struct {
	Topic    string `mapstructure:"topic"`    // the pattern, such as room/{room_id:int}
	Allow    Allow  `mapstructure:"allow"`    // who may ask at all
	Access   string `mapstructure:"access"`   // SQL that answers the column allowed, and roles; empty: Allow decides alone
	Snapshot string `mapstructure:"snapshot"` // SQL of the topic's present state; empty: the topic has no snapshot
	Slow     string `mapstructure:"slow"`     // latest: a reader who falls behind gets the newest event per Key only
	Key      string `mapstructure:"key"`      // with Slow: a field of the events' data

	// SnapshotLimit is how many rows a snapshot has at most; 0: as many as Snapshot answers. Declared
	// tables set it; it is not a setting of a topic.
	SnapshotLimit int `mapstructure:"-"`

	// Filterable says what filters of the topics may name; nil: the topics take no filters. Declared
	// tables set it.
	Filterable *Filterable `mapstructure:"-"`

	// Path is the key path of the declaration that the rule was made from, such as
	// tables[0].topics[1]; empty for a rule that the file lists.
	Path string `mapstructure:"-"`
}

// Filterable says how the rows of a declared table are filtered, in events and in the snapshot. Head and
// Tail together are the rule's Snapshot. A condition on the rows goes between the two, behind Word.
type Filterable struct {
	Table   string          // the first word of the types of the table's events: orders, as in orders.insert
	Columns []filter.Column // that events have
	Row     string          // what a row is called in the snapshot
	Head    string
	Word    string // WHERE or AND
	Tail    string
}

const slowLatest = "latest"

// Pattern is the parsed pattern of the topics.
func (t Topic) Pattern() topic.Pattern {
	parsed, _ := topic.ParsePattern(t.Topic)
	return parsed
}

// FollowerParameters are the names of parameters that say who the follower is. No pattern may have them, but {me}
// in a socket's topic.
func FollowerParameters() []string { return []string{ParameterMe, ParameterStaff, ParameterClaims} }

// NamesClaims reports whether SQL of the rule names @claims. A text that cannot be parsed is no reason to report it.
func (t Topic) NamesClaims() bool {
	return namesClaims(t.Access, t.ParameterNames()) || namesClaims(t.Snapshot, t.ParameterNames())
}

// NamesClaims reports whether SQL of the table's topics names @claims.
func (t Table) NamesClaims() bool {
	return slices.ContainsFunc(t.Topics, func(own TableTopic) bool {
		return namesClaims(own.Access, Topic{Topic: own.Topic}.ParameterNames())
	})
}

func namesClaims(sql string, names []string) (named bool) {
	_, _ = BindParameters(sql, names, func(name string) string {
		named = named || name == ParameterClaims
		return name
	})
	return named
}

// ParameterNames are the names that the SQL of the rule may write behind an @.
func (t Topic) ParameterNames() []string {
	names := FollowerParameters()
	for _, own := range t.Pattern().Parameters() {
		names = append(names, own.Name)
	}
	return names
}

// LatestField is the field of the events' data whose newest value is enough for a slow reader. It
// is empty if such a reader needs every event.
func (t Topic) LatestField() string {
	if t.Slow != slowLatest {
		return ""
	}
	return t.Key
}

// At returns the key path of the rule, which is entry i of a list of rules.
func (t Topic) At(i int) string {
	if t.Path != "" {
		return t.Path
	}
	return Entry("topics", i)
}

// CheckTopics checks the rules of topics.
func CheckTopics(topics []Topic, p *Problems) {
	var earlier topic.Index
	for i, t := range topics {
		at := t.At(i)
		t.check(p, at)
		pattern := t.Pattern()
		if first := earlier.FirstOverlap(pattern); first >= 0 {
			other := topics[first]
			p.Add(at+".topic", "%q and %q of %s could be the same topic: change one of them", t.Topic, other.Topic, other.At(first))
		}
		earlier.Add(pattern)
	}
}

// check checks a rule by itself.
func (t Topic) check(p *Problems, at string) {
	t.checkPattern(p, at+".topic")
	t.Allow.check(p, at+".allow")
	if t.Slow != "" {
		p.RequireOneOf(at+".slow", t.Slow, slowLatest)
	}
	p.Require((t.Slow == "") == (t.Key == ""), at+".key",
		"belongs to slow: latest, which needs it: the field of the events' data whose newest event is enough")
	if p.Has(at + ".topic") {
		return // the names of the parameters are not known
	}
	for _, sql := range []struct{ key, text string }{{".access", t.Access}, {".snapshot", t.Snapshot}} {
		_, err := BindParameters(sql.text, t.ParameterNames(), func(name string) string { return name })
		p.AddError(at+sql.key, err)
	}
}

func (t Topic) checkPattern(p *Problems, key string) {
	p.Require(t.Topic != "", key, "is missing: write a pattern such as room/{room_id:int}")
	parsed, err := topic.ParsePattern(t.Topic)
	p.AddError(key, err)
	for _, name := range FollowerParameters() {
		p.Require(!parsed.Has(name), key, "%q: @%s is the follower's own: give the parameter another name", t.Topic, name)
	}
}

// checkListed adds a problem unless some rule could be for the topics of a pattern.
func checkListed(p *Problems, key string, pattern topic.Pattern, topics []Topic) {
	listed := slices.ContainsFunc(topics, func(t Topic) bool { return t.Pattern().Overlaps(pattern) })
	p.Require(listed, key, "%q: no topic of this form is listed under topics", pattern)
}
