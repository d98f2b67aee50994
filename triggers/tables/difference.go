package tables

import (
	"fmt"
	"strings"
)

// Kind says in which way a table is not as it is declared.
type Kind int

// The kinds.
const (
	NotLive            Kind = iota // it has no function
	Undeclared                     // it has a function, and no declaration any more
	LiveByWatch                    // likewise, and the function was made by rowcall watch
	NowDeclared                    // it is as declared, and was made so by rowcall watch
	CommentChanged                 // of its function
	VersionDiffers                 // its function is of another version of Rowcall
	FunctionChanged                // its function was changed by hand, or its owner or its rights were
	ColumnsDiffer                  // other columns leave the database
	DeclarationDiffers             // its function is of another declaration, or of columns of other types
	PartitionsDiffer               // partitions came or went
	TriggerMissing                 // or it was replaced
	TriggerDisabled                // it never fires
	TriggerReplicaOnly             // it fires for replicated rows, and not for ordinary changes
	TriggerNotAlways               // it does not fire for replicated rows
	TriggerStray                   // it executes the function of a table that it is not a trigger of, or executes it again
)

// Difference is one way in which a table is not as it is declared.
type Difference struct {
	Kind      Kind
	Trigger   string   // the name of a trigger; empty for the other kinds
	Partition string   // whose trigger it is, as SQL; empty for the table itself
	Elsewhere string   // the table of a stray trigger, as SQL
	Added     []string // columns that leave the database when the declaration is applied, and did not before
	Removed   []string // columns that then leave it no more
}

// String is a sentence without its subject, which is the table.
func (d Difference) String() string {
	switch d.Kind {
	case NotLive:
		return "is not live: it gets a function and triggers"
	case Undeclared:
		return "is not declared any more: its triggers and its function are dropped"
	case LiveByWatch:
		return "is live by rowcall watch, and is not declared: its triggers and its function are dropped"
	case NowDeclared:
		return "was made live by rowcall watch: it stays from now on, because it is declared"
	case CommentChanged:
		return "has a function whose comment was changed: it is made again"
	case VersionDiffers:
		return "has a function of another version of Rowcall: it is made again"
	case FunctionChanged:
		return "has a function that was changed by hand: it is made again"
	case ColumnsDiffer:
		return "has " + d.columns()
	case DeclarationDiffers:
		return "is declared in another way than before, or has columns of other types"
	case PartitionsDiffer:
		return "has other partitions than before: followers read their state again"
	}
	return d.trigger() + " " + d.Verdict()
}

// Verdict is what is wrong with a trigger, in words that follow its name.
func (d Difference) Verdict() string {
	switch d.Kind {
	case TriggerMissing:
		return "is missing, or was replaced"
	case TriggerDisabled:
		return "is disabled: changes file no events"
	case TriggerReplicaOnly:
		return "fires for replicated rows only: ordinary changes file no events"
	case TriggerStray:
		return "files changes of another table, or files them twice: it is dropped"
	}
	return "does not fire for replicated rows: it is not ENABLE ALWAYS"
}

// Done says what applying has done about the difference: a sentence without its subject, or a line of its own.
func (d Difference) Done() string {
	switch d.Kind {
	case NotLive:
		return "is live now: function and triggers were made"
	case Undeclared, LiveByWatch:
		return "its triggers and its function were dropped"
	case NowDeclared:
		return "it was made live by rowcall watch, and stays from now on"
	case CommentChanged, VersionDiffers, FunctionChanged, DeclarationDiffers:
		return "its function was made again"
	case ColumnsDiffer:
		var signed []string
		for _, name := range d.Added {
			signed = append(signed, "+ "+name)
		}
		for _, name := range d.Removed {
			signed = append(signed, "- "+name)
		}
		return "columns that leave the database: " + strings.Join(signed, ", ")
	case PartitionsDiffer:
		return "its partitions were recorded"
	case TriggerMissing:
		return d.trigger() + " was made"
	case TriggerStray:
		return d.trigger() + " was dropped"
	}
	return d.trigger() + " was set to ENABLE ALWAYS"
}

// trigger names the trigger.
func (d Difference) trigger() string {
	switch {
	case d.Elsewhere != "":
		return fmt.Sprintf("trigger %s on %s", d.Trigger, d.Elsewhere)
	case d.Partition == "":
		return "trigger " + d.Trigger
	}
	return fmt.Sprintf("trigger %s of partition %s", d.Trigger, d.Partition)
}

// columns lists the columns.
func (d Difference) columns() string {
	var parts []string
	if d.Added != nil {
		parts = append(parts, "columns that leave the database from now on: "+strings.Join(d.Added, ", "))
	}
	if d.Removed != nil {
		parts = append(parts, "columns that leave it no more: "+strings.Join(d.Removed, ", "))
	}
	return strings.Join(parts, "; ")
}

// MarshalText writes a difference into JSON as its sentence.
func (d Difference) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// What returns a phrase for each difference, as plan prints them.
func (c Change) What() []string {
	all := make([]string, len(c.Differences))
	for i, d := range c.Differences {
		all[i] = d.String()
	}
	return all
}

// Has reports whether a difference is of a kind.
func (c Change) Has(kind Kind) bool {
	for _, d := range c.Differences {
		if d.Kind == kind {
			return true
		}
	}
	return false
}

// NotOwnerError says that the present role may not make triggers on a table, because it belongs to another role.
type NotOwnerError struct {
	Table     string // or partition, as SQL
	Owner     string
	Role      string // the present one
	Statement string // the GRANT that lets the role act for the owner
}

func (e *NotOwnerError) Error() string {
	return fmt.Sprintf("%s belongs to role %q, and role %q may not make triggers on it: apply as that role, or run: %s", e.Table, e.Owner, e.Role, e.Statement)
}
