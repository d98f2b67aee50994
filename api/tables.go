package api

import (
	"context"
	"net/http"

	"rowcall/api/identity"
	"rowcall/api/problem"
)

// Table is a declared table, as GET /api/tables tells staff.
type Table struct {
	Table   string        `json:"table"`   // schema and name, as in SQL
	Name    string        `json:"name"`    // the first word of its events' types
	Live    bool          `json:"live"`    // its changes are filed
	Key     []string      `json:"key"`     // the columns by which rows are told apart
	Columns []TableColumn `json:"columns"` // that leave the database
	Topics  []TableTopic  `json:"topics"`
}

// TableColumn is a column of a declared table.
type TableColumn struct {
	Name string `json:"name"`
	Type string `json:"type"` // as SQL
}

// TableTopic is a topic of a declared table.
type TableTopic struct {
	Topic      string   `json:"topic"`      // as it is declared: orders/{customer_id}
	Parameters []string `json:"parameters"` // the names in it, in their order
}

// ListTables returns the declared tables. The error is problem.ErrUnavailable if the database does not answer.
type ListTables func(ctx context.Context) ([]Table, error)

// serveTables answers GET /api/tables for staff.
func serveTables(accounts *identity.Accounts, list ListTables) http.HandlerFunc {
	return accounts.Require(admitStaff, func(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
		tables := []Table{}
		if list != nil {
			found, err := list(r.Context())
			if err != nil {
				return err
			}
			tables = append(tables, found...)
		}
		problem.WriteJSON(w, http.StatusOK, map[string][]Table{"tables": tables})
		return nil
	})
}
