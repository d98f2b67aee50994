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
// name now, or they are there a second time by another name. Those that a declared table has by our names are left to that
// table, which replaces them.
func (s *state) strays(t Table) []caller {
	present := functionNamed(s.functions, t.functionName())
	if present == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(present.Triggers), func(c caller) bool {
		isOurs := c.Name == rowTrigger || c.Name == truncateTrigger
		return isOurs && slices.Contains(s.declared, c.Relation)
	})
}

// dropStrays adds the removal of such triggers. Followers have heard of changes that are none of the table's.
func (c *Change) dropStrays(strays []caller) {
	for _, stray := range strays {
		c.Differences = append(c.Differences, Difference{Kind: TriggerStray, Trigger: stray.Name, Elsewhere: stray.Table})
		c.Steps = append(c.Steps, Step{fmt.Sprintf("DROP TRIGGER %s ON %s", quoteName(stray.Name), stray.Table)})
		if c.Reset == "" {
			c.Reset = "triggers"
		}
	}
}
