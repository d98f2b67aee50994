package tables

import (
	"maps"
	"slices"
	"strings"

	"rowcall/config/rules"
	"rowcall/notifier/topic"
)

// topics resolves the topics that rows of a table are filed under.
func (r *resolver) topics(at string, t *Table) []Topic {
	var topics []Topic
	for i, declared := range t.declaration.Topics {
		key := rules.Entry(at+".topics", i)
		parts := r.parts(key+".topic", t, declared.Topic)
		if r.wrong.Has(key + ".topic") {
			continue
		}
		pattern, err := topic.ParsePattern(patternOf(parts))
		if err != nil {
			r.wrong.AddError(key+".topic", err)
			continue
		}
		access, err := bindAccess(declared.Access, parts)
		if err != nil {
			r.wrong.AddError(key+".access", err)
			continue
		}
		topics = append(topics, Topic{Path: key, Pattern: pattern, Allow: declared.Allow, Access: access, parts: parts})
	}
	r.findCovered(topics)
	return topics
}

// parts splits a declared topic, whose parameters are columns.
func (r *resolver) parts(key string, t *Table, text string) []part {
	if t.declaration.WholeSchema() {
		text = strings.ReplaceAll(text, "{"+rules.ParameterTable+"}", topic.Segment(t.Name))
	}
	if _, err := topic.ParsePattern(text); err != nil {
		r.wrong.AddError(key, err)
		return nil
	}
	var parts []part
	for word := range strings.SplitSeq(text, "/") {
		name, isParameter := strings.CutPrefix(word, "{")
		if !isParameter {
			parts = append(parts, part{literal: word})
			continue
		}
		c := r.columnNamed(key, t, strings.TrimSuffix(name, "}"))
		if c == nil {
			return nil
		}
		if kindOf(*c) == "" {
			r.wrong.Add(key, "{%s} is of type %s: the columns of a topic are integers, uuid, text, enums, boolean or date", c.Name, c.Type)
			return nil
		}
		parts = append(parts, part{column: c})
	}
	return parts
}

// patternOf writes the parts of a topic as a pattern with types.
func patternOf(parts []part) string {
	words := make([]string, len(parts))
	for i, p := range parts {
		words[i] = p.literal
		if p.column != nil {
			words[i] = "{" + p.column.Name + ":" + string(kindOf(*p.column)) + "}"
		}
	}
	return strings.Join(words, "/")
}

// kindOf is the kind of a column's values in topics; empty for a type that has no place there.
func kindOf(c Column) topic.Kind {
	switch c.Base {
	case "smallint", "integer", "bigint":
		return topic.KindInt
	case "uuid":
		return topic.KindUUID
	case "text", "character varying", "character", "boolean", "date":
		return topic.KindText
	}
	if c.Enum {
		return topic.KindText
	}
	return ""
}

// bindAccess casts the parameters of a topic's access SQL that come as text to the types of their columns.
func bindAccess(sql string, parts []part) (string, error) {
	values := map[string]string{}
	for _, name := range rules.FollowerParameters() {
		values[name] = "@" + name
	}
	for _, p := range parts {
		if p.column != nil {
			values[p.column.Name] = p.value()
		}
	}
	names := slices.Sorted(maps.Keys(values))
	return rules.BindParameters(sql, names, func(name string) string { return values[name] })
}

// value is SQL of a parameter's value, in a type that compares with the column's.
func (p part) value() string {
	switch base := p.column.Base; {
	case p.column.Enum, base == "boolean", base == "date":
		return "(@" + p.column.Name + "::pg_catalog.text::" + base + ")"
	}
	return "@" + p.column.Name
}

// findCovered finds out which topics of a table lie below which. It adds a problem where that depends on the values of
// rows, and where a topic has two below it that do not cover each other: its followers would hear a change twice.
func (r *resolver) findCovered(topics []Topic) {
	for i := range topics {
		upper := &topics[i]
		for j, lower := range topics {
			if len(lower.parts) <= len(upper.parts) || !couldCover(upper.parts, lower.parts) {
				continue
			}
			if !covers(upper.parts, lower.parts) {
				r.wrong.Add(upper.Path+".topic", "%s could be above %s, depending on the row, and its followers would hear some changes twice: begin the two with different words", upper.Pattern, lower.Pattern)
			}
			for _, k := range upper.below {
				other := topics[k]
				chain := covers(other.parts, lower.parts) || covers(lower.parts, other.parts)
				r.wrong.Require(chain, upper.Path+".topic", "%s is above both %s and %s, and its followers would hear each change twice: begin one of the two with another word",
					upper.Pattern, other.Pattern, lower.Pattern)
			}
			upper.below = append(upper.below, j)
		}
	}
}

// covers reports whether the topics of upper are above those of lower, for the same row.
func covers(upper, lower []part) bool {
	if len(upper) >= len(lower) {
		return false
	}
	for i, p := range upper {
		if p.literal != lower[i].literal || (p.column == nil) != (lower[i].column == nil) || p.column != nil && p.column.Name != lower[i].column.Name {
			return false
		}
	}
	return true
}

// couldCover reports whether the topic of some row in upper could be above that of the same row in lower.
func couldCover(upper, lower []part) bool {
	first := make([]part, len(upper))
	copy(first, lower)
	a, err1 := topic.ParsePattern(patternOf(upper))
	b, err2 := topic.ParsePattern(patternOf(first))
	return err1 == nil && err2 == nil && a.Overlaps(b)
}

// checkTopics requires that no topic could be of two tables, or of two entries of one.
func (r *resolver) checkTopics() {
	var before []Topic
	var patterns topic.Index // of these
	for _, t := range r.tables {
		for _, own := range t.Topics {
			if first := patterns.FirstOverlap(own.Pattern); first >= 0 {
				other := before[first]
				r.wrong.Add(own.Path+".topic", "%s and %s of %s could be the same topic: change one of them", own.Pattern, other.Pattern, other.Path)
			}
			patterns.Add(own.Pattern)
			before = append(before, own)
		}
	}
}

// revalidations resolves what a change of a row asks again.
func (r *resolver) revalidations(at string, t *Table) []Revalidate {
	var all []Revalidate
	for i, declared := range t.declaration.Revalidate {
		key := rules.Entry(at+".revalidate", i)
		var one Revalidate
		if declared.Topic != "" {
			one.parts = r.parts(key+".topic", t, declared.Topic)
		}
		if declared.User != "" {
			one.User = r.columnNamed(key+".user", t, declared.User)
		}
		all = append(all, one)
	}
	return all
}
