package tables

import (
	"fmt"
	"slices"
)

// caller is a trigger that executes a generated function.
type caller struct {
	Name     string
	Relation uint32
	Table    string // as SQL
}

// strays are the triggers that execute a table's function and should not: their table has been renamed, and another has its
// name now, they are there a second time by another name, or the table was declared with another mode. Those that a declared
// table is to have are left to that table, which replaces them.
func (s *state) strays(t Table) []caller {
	present := s.functions.named(t.functionName())
	if present == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(present.Triggers), func(c caller) bool {
		return slices.Contains(s.wanted[c.Relation], c.Name)
	})
}

// dropOwnStrays is SQL that removes such triggers from the table itself, in the step that makes its own.
func (c *Change) dropOwnStrays(t Table, strays []caller) Step {
	var sql Step
	for _, stray := range strays {
		if stray.Relation == t.relation.OID {
			sql = append(sql, c.dropStray(stray))
		}
	}
	return sql
}

// dropStraysElsewhere adds the removal of such triggers from other tables.
func (c *Change) dropStraysElsewhere(t Table, strays []caller) {
	for _, stray := range strays {
		if stray.Relation != t.relation.OID {
			c.Steps = append(c.Steps, Step{c.dropStray(stray)})
		}
	}
}

// dropStray is SQL that removes such a trigger. Followers have heard of changes that are none of the table's.
func (c *Change) dropStray(stray caller) string {
	c.Differences = append(c.Differences, Difference{Kind: TriggerStray, Trigger: stray.Name, Elsewhere: stray.Table})
	if c.Reset == "" {
		c.Reset = "triggers"
	}
	return fmt.Sprintf("DROP TRIGGER %s ON %s", quoteName(stray.Name), stray.Table)
}
