// Package tables removes Rowcall from a database: [PlanRemoval] lists the SQL, and [Removal.Run] runs it.
package tables
