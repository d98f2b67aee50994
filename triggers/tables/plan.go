package tables

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"rowcall/config/rules"
)

// Changes are what makes a database as declared.
type Changes struct {
	Changes    []Change `json:"changes"`
	Undeclared []Change `json:"undeclared"` // what pruning would remove
	Notes      []string `json:"notes"`      // what to know of declared tables
}

// Change is what one table needs.
type Change struct {
	Table       string       `json:"table"` // as SQL
	Differences []Difference `json:"what"`
	Reset       string       `json:"reset"` // why followers are told to read their state again: triggers or schema; empty: they are not
	Steps       []Step       `json:"steps"`

	function string // of the table
}

// Step is SQL that runs in one transaction.
type Step []string

// Empty reports whether the database is as declared.
func (c Changes) Empty() bool { return len(c.Changes) == 0 }

// Prune adds the removal of what is not declared any more. What rowcall watch has made was never declared, and stays:
// watch removes it.
func (c Changes) Prune() Changes {
	pruned := Changes{Changes: slices.Clone(c.Changes), Undeclared: []Change{}, Notes: c.Notes}
	for _, undeclared := range c.Undeclared {
		if undeclared.Has(LiveByWatch) {
			pruned.Undeclared = append(pruned.Undeclared, undeclared)
		} else {
			pruned.Changes = append(pruned.Changes, undeclared)
		}
	}
	return pruned
}

// Plan compares the database with declared tables. It changes nothing. The error is a rules.Problems where a table
// cannot get triggers: it has others of the same name, has mode statement and events could then not be in order, or belongs to
// a role that the present one may not act for, which is a NotOwnerError.
func Plan(ctx context.Context, db *sql.DB, declared []Table) (Changes, error) {
	tx, err := begin(ctx, db)
	if err != nil {
		return Changes{}, err
	}
	defer tx.Rollback() // it only reads
	present, err := readState(ctx, tx, declared)
	if err != nil {
		return Changes{}, err
	}
	var wrong rules.Problems
	changes := Changes{Changes: []Change{}, Undeclared: present.undeclared(declared), Notes: []string{}}
	for _, t := range declared {
		if reason := t.statementRefusal(); reason != "" {
			wrong.Add(t.Path+".mode", "%s", reason)
			continue
		}
		c := present.change(t)
		refused := present.watchRefusal(t)
		if refused == nil && len(c.Steps) > 0 { // to change nothing, no right is needed
			refused = present.refusal(t)
		}
		if refused != nil {
			wrong = append(wrong, rules.Problem{Key: t.Path + ".table", Text: refused.Error(), Cause: refused})
			continue
		}
		if note := t.note(); note != "" {
			changes.Notes = append(changes.Notes, note)
		}
		if len(c.Steps) > 0 {
			changes.Changes = append(changes.Changes, c)
		}
	}
	return changes, wrong.Err()
}

// watchRefusal says why rowcall watch may not change a table: it is live because a file declares it. It is nil for any other
// table, and for one that a file declares.
func (s *state) watchRefusal(t Table) error {
	present := s.functions.named(t.functionName())
	if !t.declaration.Watch || present == nil || present.made != nil && present.made.watch {
		return nil
	}
	return fmt.Errorf("%s is live already, because a configuration file declares it (rowcall apply). Watch does not change such a table: "+
		"see its rows on the page /live of a node that serves that file (rowcall serve --config FILE)", t.SQL())
}

// PlanDeclared resolves declarations, and compares the database with them. It changes nothing.
func PlanDeclared(ctx context.Context, db *sql.DB, declared []rules.Table) (Changes, error) {
	found, err := Resolve(ctx, db, declared)
	if err != nil {
		return Changes{}, err
	}
	return Plan(ctx, db, found)
}

// PlanRepairs is PlanDeclared for what repairs a database by itself: no table gets other columns than those with which it
// was applied. A table of which these are not known, because its function is gone or the comment on it was changed, is
// left out, unless its declaration lists the columns.
func PlanRepairs(ctx context.Context, db *sql.DB, declared []rules.Table) (Changes, error) {
	found, err := Resolve(ctx, db, declared)
	if err != nil {
		return Changes{}, err
	}
	found = slices.DeleteFunc(found, func(t Table) bool { return !t.IsLive() && len(t.declaration.Columns) == 0 })
	for i, t := range found {
		found[i] = t.AsApplied()
	}
	changes, err := Plan(ctx, db, found)
	changes.Changes = slices.DeleteFunc(changes.Changes, func(c Change) bool { return c.Has(CommentChanged) })
	return changes, err
}

// refusal says why a table cannot get triggers, and what to do; nil if it can.
func (s *state) refusal(t Table) error {
	notOwner := func(relation uint32, name string) error {
		owner := s.notOwned[relation]
		return &NotOwnerError{Table: name, Owner: owner, Role: s.role, Statement: fmt.Sprintf("GRANT %s TO %s", quoteName(owner), quoteName(s.role))}
	}
	for _, stray := range s.strays(t) {
		if s.notOwned[stray.Relation] != "" {
			return notOwner(stray.Relation, stray.Table)
		}
	}
	for _, b := range t.tableAndPartitions() {
		name := rules.WriteName([]string{b.Schema, b.Name})
		if s.notOwned[b.OID] != "" {
			return notOwner(b.OID, name)
		}
		for _, own := range t.wantedTriggers(b) {
			found := s.find(b.OID, own.name)
			if found != nil && !s.generated(found) {
				return fmt.Errorf("%s has a trigger %q of another origin, which executes %s: a table is either declared or has a trigger by hand; "+
					"drop that trigger, or remove the declaration", name, own.name, rules.WriteName([]string{found.Schema, found.Function}))
			}
		}
	}
	return nil
}

// note says what to know of a table that is not seen in its declaration; empty for most.
func (t Table) note() string {
	if !t.relation.Policies || len(t.Topics) == 0 {
		return ""
	}
	return t.SQL() + " has row-level security, which events do not ask: access decides alone who hears of its rows. " +
		"Snapshots hold the rows that the policies show to the role that serves"
}

// change is what a table needs; without steps if nothing.
func (s *state) change(t Table) Change {
	c := Change{Table: t.SQL(), function: t.functionName()}
	main := Step{}
	present := s.functions.named(t.functionName())
	if wants := functionWants(t, present); wants != nil {
		c.Differences = append(c.Differences, *wants)
		main = append(main, s.makeFunction(t)...)
		c.Reset = "schema"
		if present == nil {
			c.Reset = "triggers" // it may have been live before, and may have followers
		}
	} else if present.Comment != t.comment() {
		if present.made.Partitions != t.partitionsHash() {
			c.Differences, c.Reset = append(c.Differences, Difference{Kind: PartitionsDiffer}), "schema"
		} else {
			c.Differences = append(c.Differences, Difference{Kind: NowDeclared})
		}
		main = append(main, t.commentFunction())
	}
	strays := s.strays(t)
	main = append(main, c.dropOwnStrays(t, strays)...)
	for i, b := range t.tableAndPartitions() {
		wants, step := s.triggerDifferences(t, b)
		c.Differences = append(c.Differences, wants...)
		if i == 0 {
			main = append(main, step...)
		} else if len(step) > 0 {
			c.Steps = append(c.Steps, step)
		}
		if len(step) > 0 && c.Reset == "" {
			c.Reset = "triggers"
		}
	}
	c.dropStraysElsewhere(t, strays)
	if len(main) > 0 {
		c.Steps = append([]Step{main}, c.Steps...)
	}
	if c.Reset != "" {
		last := len(c.Steps) - 1
		c.Steps[last] = append(c.Steps[last], t.tellFollowers(c.Reset)...)
		if c.Reset == "schema" {
			c.Steps[last] = append(Step{t.waitForWriters()}, c.Steps[last]...)
		}
	}
	return c
}

// waitForWriters is SQL that waits for all transactions that have written to the table, as making a trigger does: events that
// the function before filed come before what followers are told, and none comes after it.
func (t Table) waitForWriters() string {
	only := "ONLY " // tables that inherit from it are their own
	if t.relation.Kind == partitionedTable {
		only = ""
	}
	return "LOCK TABLE " + only + t.SQL() + " IN SHARE ROW EXCLUSIVE MODE"
}

// tellFollowers is SQL of what followers are told after a gap in which changes were not filed. It belongs into the last
// step: what is written before that may be missed still.
func (t Table) tellFollowers(reason string) []string {
	var sql []string
	if len(t.Topics) > 0 {
		sql = append(sql, fmt.Sprintf("SELECT rowcall.reset(%s, '%s')", t.patternArray(), reason))
	}
	for _, topic := range t.askedTopics() {
		sql = append(sql, "SELECT rowcall.revalidate("+quoteText(topic)+")")
	}
	return sql
}

// functionWants says what is wrong with a table's function; nil if nothing.
func functionWants(t Table, present *function) *Difference {
	switch {
	case present == nil:
		return &Difference{Kind: NotLive}
	case present.made == nil:
		return &Difference{Kind: CommentChanged}
	case present.made.format != fmt.Sprint(formatVersion):
		return &Difference{Kind: VersionDiffers}
	case present.made.hash != t.hash():
		return t.columnsWant(present.made.Columns)
	case present.differsFrom(t):
		return &Difference{Kind: FunctionChanged}
	}
	return nil
}

// columnsWant says what a function of another declaration changes.
func (t Table) columnsWant(before []string) *Difference {
	d := Difference{Kind: ColumnsDiffer}
	for _, c := range t.Columns {
		if !slices.Contains(before, c.Name) {
			d.Added = append(d.Added, c.Name)
		}
	}
	for _, name := range before {
		if !hasColumn(t.Columns, name) {
			d.Removed = append(d.Removed, name)
		}
	}
	if d.Added == nil && d.Removed == nil {
		d.Kind = DeclarationDiffers
	}
	return &d
}

// makeFunction is SQL that makes the function, with its owner and rights.
func (s *state) makeFunction(t Table) []string {
	sql := []string{t.createFunction(), "REVOKE ALL ON FUNCTION " + t.functionSQL() + "() FROM PUBLIC"}
	if s.owner != s.role && s.owner != "" {
		sql = append(sql, fmt.Sprintf("ALTER FUNCTION %s() OWNER TO %s", t.functionSQL(), quoteName(s.owner)))
	}
	return append(sql, t.commentFunction())
}

func (t Table) commentFunction() string {
	return "COMMENT ON FUNCTION " + t.functionSQL() + "() IS " + quoteText(t.comment())
}

// undeclared is what removes generated functions that no declared table has.
func (s *state) undeclared(declared []Table) []Change {
	isDeclared := map[string]bool{}
	for _, t := range declared {
		isDeclared[t.functionName()] = true
	}
	all := []Change{}
	for _, f := range s.functions.all {
		if f.made == nil || isDeclared[f.Name] {
			continue
		}
		c := Change{Table: f.made.Table, Differences: []Difference{{Kind: Undeclared}}, function: f.Name}
		if f.made.watch {
			c.Differences[0].Kind = LiveByWatch
		}
		for _, own := range f.Triggers {
			c.Steps = append(c.Steps, Step{fmt.Sprintf("DROP TRIGGER %s ON %s", quoteName(own.Name), own.Table)})
		}
		c.Steps = append(c.Steps, Step{"DROP FUNCTION " + quoteName("rowcall", f.Name) + "()"})
		all = append(all, c)
	}
	return all
}
