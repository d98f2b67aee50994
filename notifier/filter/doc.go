// Package filter decides whether a row fulfils a condition that a subscriber gives: the filter of a
// subscription to a declared table.
//
// [Parse] reads the JSON of a condition. [Condition.Bind] checks it against the columns of a table, and makes a
// [Filter]. [Filter.Passes] tests a row as its events have it, and [Filter.Where] is the same test as SQL for the
// snapshot: both give the same answer for every row. [Filter.Outcome] says what a follower hears of a change.
//
// Conditions are three-valued, as in SQL: a test of NULL is unknown, and a row passes if the whole condition is
// true. Texts are compared bytewise. The package knows nothing of databases and sockets.
package filter
