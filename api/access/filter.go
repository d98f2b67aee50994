package access

import (
	"slices"
	"strings"

	"rowcall/api/problem"
	"rowcall/notifier/filter"
	"rowcall/notifier/topic"
)

// Filter is the filter of a subscription: a condition on the rows of each declared table that files events under the
// topic, or below it. It never changes.
type Filter struct {
	condition filter.Condition
	tables    []filteredTable // that of the rule itself first
}

// filteredTable is a declared table, and the condition on its columns.
type filteredTable struct {
	name   string // the first word of the types of its events
	rule   *topicRule
	query  *snapshotQuery // the query whose columns the filter was bound to
	filter *filter.Filter
}

// errNotFilterable says that a topic has no declared columns.
func errNotFilterable() error {
	return problem.Explain(problem.ErrFilter, "where: filters are for topics of declared tables, and this topic has no declared columns")
}

// explainFilter tells the client what is wrong with a filter.
func explainFilter(err error) error { return problem.Explain(problem.ErrFilter, "where: "+err.Error()) }

// ParseFilter reads the JSON of a filter. Which columns there are is not looked at yet. The error is problem.ErrFilter.
func ParseFilter(text []byte) (*filter.Condition, error) {
	condition, err := filter.Parse(text)
	if err != nil {
		return nil, explainFilter(err)
	}
	return &condition, nil
}

// Filter checks a condition against the columns of a topic. The error is problem.ErrFilter, and problem.ErrNotFound for
// a topic without a rule. It tells of columns: access must be asked before a client learns of it.
func (r *Rules) Filter(asked topic.Topic, condition filter.Condition) (*Filter, error) {
	found, _ := r.find(asked)
	if found == nil {
		return nil, problem.ErrNotFound
	}
	f := &Filter{condition: condition}
	for _, rule := range found.below {
		query := rule.snapshot.query.Load()
		if query == nil || query.filtered == nil || f.of(query.filtered.Table) != nil {
			continue
		}
		own, err := condition.Bind(query.filtered.Columns)
		switch {
		case err != nil && rule != found:
			return nil, problem.Explain(problem.ErrFilter, "where: rows of "+query.filtered.Table+" are filed under this topic too: "+err.Error())
		case err != nil:
			return nil, explainFilter(err)
		}
		f.tables = append(f.tables, filteredTable{query.filtered.Table, rule, query, own})
	}
	if len(f.tables) == 0 || f.tables[0].rule != found {
		return nil, errNotFilterable()
	}
	return f, nil
}

// Canonical is the one spelling of the filter.
func (f *Filter) Canonical() string { return f.tables[0].filter.Canonical() }

// IsOutdated reports whether a table may have other columns than when the filter was made.
func (f *Filter) IsOutdated() bool {
	return slices.ContainsFunc(f.tables, func(t filteredTable) bool { return t.rule.snapshot.query.Load() != t.query })
}

// Renewed is the filter for the present columns. The error is problem.ErrFilter.
func (r *Rules) Renewed(asked topic.Topic, f *Filter) (*Filter, error) {
	return r.Filter(asked, f.condition)
}

// OfEvent returns the condition on the rows of events of a type; nil for an event that no declared table has filed.
func (f *Filter) OfEvent(eventType string) *filter.Filter {
	table, _, ok := strings.Cut(eventType, ".")
	if !ok {
		return nil
	}
	return f.of(table)
}

func (f *Filter) of(table string) *filter.Filter {
	at := slices.IndexFunc(f.tables, func(t filteredTable) bool { return t.name == table })
	if at < 0 {
		return nil
	}
	return f.tables[at].filter
}
