// Package tables makes declared tables live: it generates the triggers, topics and snapshots of the tables that
// rowcall.yaml lists under tables.
//
// [Resolve] reads the declarations against the catalog: which tables there are, their columns, types and keys.
// A [Table] is what it finds. [Table.Rules] are the rules of its topics, which a node serves. [Plan] compares what
// the database has with what it should have, in words and as SQL; [Apply] makes it so, each table between two
// writers. [PlanRemoval] lists the SQL that removes every object of Rowcall.
//
// Nothing is looked up in the catalog when a row is written. The generated functions are static SQL in schema
// rowcall, in which every name and operator is qualified. A comment on each function holds the version of its form and
// a hash of its text, by which Plan knows functions that are out of date, and the columns that leave the database.
package tables
