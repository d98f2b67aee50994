package rules

import (
	"fmt"
	"slices"
	"strings"

	"rowcall/notifier/topic"
)

// maxSnapshotRows bounds Table.Limit: a snapshot is held in memory as a whole.
const maxSnapshotRows = 1_000_000

// CheckTables checks the declarations of tables, also against the topics that are listed beside them.
// The catalog alone tells the types of columns and the like: these are not checked here.
func CheckTables(tables []Table, topics []Topic, p *Problems) {
	for i, t := range tables {
		at := Entry("tables", i)
		t.check(p, at)
		t.checkAgainst(p, at, tables[:i])
	}
	checkDeclaredTopics(tables, topics, p)
	declared := TopicsOf(tables)
	for i, t := range tables {
		for j, r := range t.Revalidate {
			r.check(p, Entry(Entry("tables", i)+".revalidate", j), slices.Concat(topics, declared))
		}
	}
}

// check checks a declaration by itself.
func (t Table) check(p *Problems, at string) {
	t.checkRelation(p, at)
	p.Require(len(t.Topics) > 0 || len(t.Revalidate) > 0, at+".topics",
		"is missing: list the topics that changes are filed under, such as orders/{customer_id}, or only what to revalidate")
	for j, own := range t.Topics {
		own.check(p, Entry(at+".topics", j), t.WholeSchema())
	}
	t.checkColumns(p, at)
	_, err := ParseOrder(t.Order)
	p.AddError(at+".order", err)
	p.Require(0 <= t.Limit && t.Limit <= maxSnapshotRows, at+".limit",
		"%d is out of range: give 1 to %d, or leave it out for %d", t.Limit, maxSnapshotRows, DefaultSnapshotRows)
	for j, word := range t.On {
		p.RequireOneOf(Entry(at+".on", j), word, OnInsert, OnUpdate, OnDelete)
		p.Require(slices.Index(t.On, word) == j, Entry(at+".on", j), "%q is listed twice: keep one of them", word)
	}
	if t.Numbers != "" {
		p.RequireOneOf(at+".numbers", t.Numbers, NumbersJSON, NumbersText)
	}
	if t.Mode != "" {
		p.RequireOneOf(at+".mode", t.Mode, ModeRow, ModeStatement)
	}
	p.Require(t.Name == "" || !t.WholeSchema(), at+".name", "is of use with one table: the types of %s begin with the names of its tables", t.Table)
	p.AddError(at+".name", CheckTypeName(t.typeName()))
}

func (t Table) checkRelation(p *Problems, at string) {
	p.Require(t.Table != "", at+".table", "is missing: name the table with its schema, such as public.orders")
	text, whole := strings.CutSuffix(t.Table, wholeSchema)
	parts, err := ParseName(text)
	p.AddError(at+".table", err)
	p.Require(!whole || len(parts) == 1, at+".table", "%q: write all tables of a schema as sales.*", t.Table)
	p.Require(whole || len(parts) == 2, at+".table", "%q: name the table with its schema, such as public.orders", t.Table)
	p.Require(whole || len(t.Except) == 0, at+".except", "belongs to a whole schema, such as sales.*: leave it out")
	for j, text := range t.Except {
		parts, err := ParseName(text)
		p.AddError(Entry(at+".except", j), err)
		p.Require(len(parts) == 1, Entry(at+".except", j), "%q: name the table without its schema", text)
	}
}

// checkColumns checks the lists of columns.
func (t Table) checkColumns(p *Problems, at string) {
	for _, list := range []struct {
		key   string
		names []string
	}{{".columns", t.Columns}, {".hide", t.Hide}, {".key", t.Key}} {
		for j, name := range list.names {
			key := Entry(at+list.key, j)
			p.Require(name != "", key, "is empty: name a column")
			p.Require(ColumnName(name) == name, key, "%s: write the name of the column without quotes", name)
			p.Require(slices.Index(list.names, name) == j, key, "%q is listed twice: keep one of them", name)
		}
	}
	p.Require(len(t.Columns) == 0 || len(t.Hide) == 0, at+".hide", "does not go together with columns: list what leaves, or what does not")
	for j, name := range t.Key {
		p.Require(!slices.Contains(t.Hide, name), Entry(at+".key", j), "%q is listed under hide too: the key is always sent", name)
	}
}

// typeName is the first word of the types, as far as it is known without the catalog.
func (t Table) typeName() string {
	_, name := t.Relation()
	if t.Name != "" {
		return t.Name
	}
	return name
}

// CheckTypeName returns an error if a name cannot be the first word of the types of events.
func CheckTypeName(name string) error {
	switch {
	case name == ReservedTypeName:
		return fmt.Errorf("%q begins the types that are Rowcall's own: give another name", name)
	case strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0x7f || c == '.' }):
		return fmt.Errorf("%q is the first word of the types of events: give a name without dots", name)
	}
	return nil
}

// checkAgainst compares a declaration with those before it.
func (t Table) checkAgainst(p *Problems, at string, earlier []Table) {
	schema, name := t.Relation()
	for j, other := range earlier {
		if p.Has(at+".table") || p.Has(Entry("tables", j)+".table") {
			continue // which tables they mean is not known
		}
		otherSchema, otherName := other.Relation()
		same := schema == otherSchema && name == otherName
		p.Require(!same, at+".table", "%s is %s too: declare a table once", t.Table, Entry("tables", j))
		p.Require(same || t.typeName() == "" || t.typeName() != other.typeName(), at+".name",
			"%q would begin the types of %s and of %s: give one of them another name", t.typeName(), t.Table, other.Table)
	}
}

// check checks a topic of a declaration by itself.
func (t TableTopic) check(p *Problems, at string, wholeSchema bool) {
	parsed := checkColumnPattern(p, at+".topic", t.Topic)
	p.Require(!wholeSchema || parsed.Has(ParameterTable), at+".topic",
		"%q: write {table} into it, since each table of the schema needs topics of its own", t.Topic)
	for _, name := range FollowerParameters() {
		p.Require(!parsed.Has(name), at+".topic", "%q: @%s is the follower's own, so no column of this name can be a parameter", t.Topic, name)
	}
	t.Allow.check(p, at+".allow")
	if p.Has(at + ".topic") {
		return // the names of the parameters are not known
	}
	names := Topic{Topic: t.Topic}.ParameterNames()
	_, err := BindParameters(t.Access, names, func(name string) string { return name })
	p.AddError(at+".access", err)
}

// check checks that a topic could be followed whose access is asked again.
func (r Revalidate) check(p *Problems, at string, topics []Topic) {
	parsed := checkColumnPattern(p, at+".topic", r.Topic)
	listed := slices.ContainsFunc(topics, func(t Topic) bool { return parsed.MayCover(t.Pattern()) })
	p.Require(listed, at+".topic", "%q: no topic of this form, nor one below it, is listed under topics or tables", r.Topic)
	p.Require(ColumnName(r.User) == r.User, at+".user", "%s: write the name of the column without quotes", r.User)
}

// checkColumnPattern checks a pattern whose parameters are columns.
func checkColumnPattern(p *Problems, key, text string) topic.Pattern {
	p.Require(text != "", key, "is missing: write a topic such as orders/{customer_id}")
	for part := range strings.SplitSeq(text, "/") {
		typed := strings.HasPrefix(part, "{") && strings.Contains(part, ":")
		p.Require(!typed, key, "%q: leave the type out of %s, since it comes from the column", text, part)
	}
	parsed, err := topic.ParsePattern(text)
	p.AddError(key, err)
	return parsed
}

// checkDeclaredTopics requires that no two patterns are for the same topics, whatever types their
// parameters have.
func checkDeclaredTopics(tables []Table, topics []Topic, p *Problems) {
	type place struct {
		key     string
		text    string
		pattern topic.Pattern
	}
	var earlier []place
	for i, t := range topics {
		earlier = append(earlier, place{Entry("topics", i), t.Topic, t.Pattern()})
	}
	for i, t := range tables {
		for j, own := range t.Topics {
			at := Entry(Entry("tables", i)+".topics", j)
			parsed := Topic{Topic: own.Topic}.Pattern()
			for _, other := range earlier {
				p.Require(!parsed.Resembles(other.pattern), at+".topic",
					"%q and %q of %s could be the same topic: change one of them", own.Topic, other.text, other.key)
			}
			earlier = append(earlier, place{at, own.Topic, parsed})
		}
	}
}
