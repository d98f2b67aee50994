package tables

import "rowcall/notifier/filter"

// FilterColumns returns the columns that filters of the table's topics may name: those that its events have.
func (t Table) FilterColumns() []filter.Column {
	var all []filter.Column
	for _, c := range t.AsApplied().Columns {
		all = append(all, filter.Column{Name: c.Name, Type: c.Base, Kind: c.filterKind(), Labels: c.Labels, Recoded: c.Recoded})
	}
	return all
}

// filterKind says how filters compare the column's values. Texts of a collation that takes different ones for equal are
// not compared: filters and PostgreSQL would not agree.
func (c Column) filterKind() filter.Kind {
	switch {
	case c.Nondeterministic:
		return filter.KindOther
	case c.Enum:
		return filter.KindEnum
	}
	return filter.KindOf(c.Base)
}
