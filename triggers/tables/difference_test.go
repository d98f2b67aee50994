package tables_test

import (
	"testing"

	"rowcall/triggers/tables"
)

// Each difference has two forms: plan says what it would do, and apply says what it has done.
func TestDone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		d          tables.Difference
		plan, done string
	}{
		{tables.Difference{Kind: tables.NotLive}, "is not live: it gets a function and triggers", "is live now: function and triggers were made"},
		{tables.Difference{Kind: tables.Undeclared}, "is not declared any more: its triggers and its function are dropped", "its triggers and its function were dropped"},
		{tables.Difference{Kind: tables.ColumnsDiffer, Added: []string{"amount", "tax"}, Removed: []string{"total"}},
			"has columns that leave the database from now on: amount, tax; columns that leave it no more: total", "columns that leave the database: + amount, + tax, - total"},
		{tables.Difference{Kind: tables.TriggerDisabled, Trigger: "0_rowcall", Partition: "public.sold_us"},
			"trigger 0_rowcall of partition public.sold_us is disabled: changes file no events", "trigger 0_rowcall of partition public.sold_us was set to ENABLE ALWAYS"},
	} {
		if plan, done := c.d.String(), c.d.Done(); plan != c.plan || done != c.done {
			t.Errorf("got %q and %q, want %q and %q", plan, done, c.plan, c.done)
		}
	}
}
