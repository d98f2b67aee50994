package resource

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/notifier"
)

// The work on rows, the same for every protocol. The errors are those of the table in package
// problem, with what is wrong by field if the input is at fault.

// list returns a page of rows, and if counted how many rows there are on all pages.
func (r *Resource) list(ctx context.Context, who identity.Identity, l listing, counted bool) (rows []json.RawMessage, total int64, err error) {
	err = r.acting.read(ctx, who, func(ctx context.Context, tx pgx.Tx) error {
		if counted {
			count := r.selectCount(l, who)
			if err := tx.QueryRow(ctx, count.text.String(), count.arguments()...).Scan(&total); err != nil {
				return err
			}
		}
		page := r.selectPage(l, who)
		rows, err = collectDocuments(tx.Query(ctx, page.text.String(), page.arguments()...))
		return err
	})
	return rows, total, r.explain(err, "listing")
}

func collectDocuments(rows pgx.Rows, err error) ([]json.RawMessage, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (json.RawMessage, error) {
		var text string
		err := row.Scan(&text)
		return json.RawMessage(text), err
	})
}

// List returns the rows that the user may see, in the order of their keys, at most so many.
func (r *Resource) List(ctx context.Context, who identity.Identity, most int) ([]json.RawMessage, error) {
	rows, _, err := r.list(ctx, who, listing{limit: most}, false)
	return rows, err
}

// Get returns a row. The error is problem.ErrNoRow if the user may not see such a row.
func (r *Resource) Get(ctx context.Context, who identity.Identity, key string) (json.RawMessage, error) {
	var row string
	err := r.acting.read(ctx, who, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, r.sql.selectRow, key).Scan(&row)
	})
	return json.RawMessage(row), r.explain(err, "reading")
}

// Moment returns a moment of the log at which the user could see the row.
func (r *Resource) Moment(ctx context.Context, who identity.Identity, key string) (now notifier.Moment, err error) {
	var row, text string
	err = r.acting.read(ctx, who, func(ctx context.Context, tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, r.sql.selectRow, key).Scan(&row); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT pg_current_snapshot()::text`).Scan(&text); err != nil {
			return err
		}
		now, err = notifier.ParseMoment(text)
		return err
	})
	return now, r.explain(err, "reading")
}

// Create makes rows, all or none, and returns them in their order.
func (r *Resource) Create(ctx context.Context, who identity.Identity, rows ...Row) (made []json.RawMessage, err error) {
	err = r.acting.write(ctx, who, func(ctx context.Context, tx pgx.Tx) error {
		insert := r.insert(rows)
		made, err = collectDocuments(tx.Query(ctx, insert.text.String(), insert.arguments()...))
		return err
	})
	return made, r.explain(r.acting.explainValues(ctx, who, err, rows...), "creating")
}

// Change changes a row and returns it.
func (r *Resource) Change(ctx context.Context, who identity.Identity, key string, row Row) (json.RawMessage, error) {
	var changed []json.RawMessage
	err := r.acting.write(ctx, who, func(ctx context.Context, tx pgx.Tx) (err error) {
		if err := r.refuseNewBlanks(ctx, tx, key, row); err != nil {
			return err
		}
		update := r.update(key, row)
		changed, err = collectDocuments(tx.Query(ctx, update.text.String(), update.arguments()...))
		if err == nil && len(changed) == 0 {
			err = r.whyUnchanged(ctx, tx, key)
		}
		return err
	})
	if err != nil {
		return nil, r.explain(r.acting.explainValues(ctx, who, err, row), "changing")
	}
	return changed[0], nil
}

// refuseNewBlanks returns problem.Invalid for blank texts that the row does not have already.
func (r *Resource) refuseNewBlanks(ctx context.Context, tx pgx.Tx, key string, row Row) error {
	wrong := FieldErrors{}
	for _, a := range row {
		if !a.blank {
			continue
		}
		isStored := false
		query := "SELECT concat(t." + a.column.Ident + `) COLLATE pg_catalog."C" = $2` + r.sql.from + r.sql.byKey
		err := tx.QueryRow(ctx, query, pgx.QueryExecModeDescribeExec, key, a.untrimmed).Scan(&isStored)
		if err != nil {
			return err
		}
		if !isStored {
			wrong.add(a.column.Name, messageBlank)
		}
	}
	if len(wrong) > 0 {
		return problem.Invalid(wrong)
	}
	return nil
}

// Remove deletes a row.
func (r *Resource) Remove(ctx context.Context, who identity.Identity, key string) error {
	err := r.acting.write(ctx, who, func(ctx context.Context, tx pgx.Tx) error {
		done, err := tx.Exec(ctx, r.sql.deleteRow, key)
		if err == nil && done.RowsAffected() == 0 {
			err = r.whyUnchanged(ctx, tx, key)
		}
		return err
	})
	return r.explain(err, doingRemove)
}

// whyUnchanged returns problem.ErrDenied if the user sees the row, and problem.ErrNoRow otherwise.
func (r *Resource) whyUnchanged(ctx context.Context, tx pgx.Tx, key string) error {
	var exists bool
	if err := tx.QueryRow(ctx, r.sql.rowExists, key).Scan(&exists); err != nil {
		return err
	}
	if exists {
		return problem.ErrDenied
	}
	return problem.ErrNoRow
}

// FieldErrors are messages about a row that came in, by field. A message about no field, or several,
// is under wholeRow.
type FieldErrors map[string][]string

const wholeRow = "non_field_errors"

func (e FieldErrors) add(field, message string) { e[field] = append(e[field], message) }

// Intent is what a row that came in is for.
type Intent int

// The intents of a row.
const (
	ToCreate  Intent = iota
	ToReplace        // every field that a row needs must be given
	ToPatch          // a field that is not given keeps its value
)

// Row is a row that came in, checked: the columns that were given, with their values.
type Row []assignment

// assignment is a column with its value as text for PostgreSQL; nil for NULL.
type assignment struct {
	column    *column
	value     any
	untrimmed string // text as it came, if value is without its blanks at the ends
	blank     bool   // blank text, which the column may have already and may not get
}

// ParseRow reads a row that came in. It ignores fields whose value is not the user's to give, so that
// a client can read a row, change a field and send the row back. A name that is no field at all is
// wrong if strict.
func (r *Resource) ParseRow(raw json.RawMessage, why Intent, strict bool) (Row, FieldErrors) {
	fields, message := parseObject(raw)
	if message != "" {
		return nil, FieldErrors{wholeRow: {message}}
	}
	wrong := FieldErrors{}
	var row Row
	for _, c := range r.table.columns {
		given, isGiven := fields[c.Name]
		delete(fields, c.Name)
		switch {
		case !r.accepts(c, why):
		case isGiven:
			value, message := c.read(given)
			isBlank := message == messageBlank
			if isBlank {
				value = ""
			}
			if message != "" && !c.mayHave(message, why) {
				wrong.add(c.Name, message)
			}
			row = append(row, assignment{c, value, c.untrimmed(given, value), isBlank})
		case why != ToPatch && c.Required && !c.Default:
			wrong.add(c.Name, messageRequired)
		}
	}
	for name := range fields {
		if strict {
			wrong.add(name, "There is no such field.")
		}
	}
	return row, wrong
}

// mayHave reports whether a row that is changed may have the value already that a message refuses: blank text,
// or the null of JSON, which is shown as NULL is. The database knows.
func (c *column) mayHave(message string, why Intent) bool {
	isHeld := message == messageBlank || message == messageNull && c.kind == kindJSON
	return isHeld && why != ToCreate && c.Readable
}

// accepts reports whether users give a column's value. The database gives a key that counts, and
// nobody changes a key.
func (r *Resource) accepts(c *column, why Intent) bool {
	if why == ToCreate {
		return c.Insert && !(c == r.key && c.Serial)
	}
	return c.Update && c != r.key
}

// parseObject returns the fields of an object. The message names what is there instead, in the words
// of Django REST framework.
func parseObject(raw json.RawMessage) (fields map[string]json.RawMessage, message string) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil, "No data provided"
	}
	if raw[0] != '{' {
		return nil, fmt.Sprintf("Invalid data. Expected a dictionary, but got %s.", pythonType(raw))
	}
	_ = json.Unmarshal(raw, &fields) // the document was read as JSON before
	return fields, ""
}

func pythonType(raw json.RawMessage) string {
	switch raw[0] {
	case '[':
		return "list"
	case '"':
		return "str"
	case 't', 'f':
		return "bool"
	}
	if bytes.ContainsAny(raw, ".eE") {
		return "float"
	}
	return "int"
}

// ParseKey brings a key to its one spelling. It reports false if no row can have the key.
func (r *Resource) ParseKey(text string) (string, bool) {
	value, message := r.key.readSought(text)
	key, ok := value.(string)
	return key, ok && message == "" && text != ""
}

// ParseJSONKey reads the key of a row from a field of a request: a number or its text. The error is
// problem.Invalid without a key, and problem.ErrNoRow if no row can have the key.
func (r *Resource) ParseJSONKey(fields map[string]json.RawMessage, field string) (string, error) {
	raw, given := fields[field]
	switch {
	case !given:
		return "", problem.Invalid(FieldErrors{field: {messageRequired}})
	case string(raw) == "null":
		return "", problem.Invalid(FieldErrors{field: {messageNull}})
	}
	text, form := scalar(raw)
	key, ok := r.ParseKey(text)
	if !ok || form != formText && form != formNumber {
		return "", problem.ErrNoRow
	}
	return key, nil
}

// ParseText reads a field of a request that must be text. The error is problem.Invalid.
func ParseText(fields map[string]json.RawMessage, field string) (string, error) {
	raw, given := fields[field]
	var text string
	switch {
	case !given:
		return "", problem.Invalid(FieldErrors{field: {messageRequired}})
	case string(raw) == "null":
		return "", problem.Invalid(FieldErrors{field: {messageNull}})
	case json.Unmarshal(raw, &text) != nil:
		return "", problem.Invalid(FieldErrors{field: {messageNoText}})
	}
	return text, nil
}
