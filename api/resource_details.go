package api

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rowcall/api/identity"
	"rowcall/api/problem"
	"rowcall/config/rules"
	"rowcall/notifier/topic"
)

// detail is what only a form wants to know of a column.
type detail struct {
	Name         string
	Default      string   // as SQL; empty: none
	Checks       []string // as SQL: those of this column alone, and those of its domain
	Refers       uint32   // the table that its foreign key refers to; 0: none
	RefersColumn string   // and the column there
}

// reference is a column whose values are keys of another resource.
type reference struct {
	column *column
	to     []*resource // several may serve the same table
}

const findDetails = `
SELECT a.attname::text AS name,
       CASE WHEN a.attgenerated = '' THEN coalesce(pg_get_expr(d.adbin, d.adrelid), '') ELSE '' END AS default,
       ARRAY(SELECT pg_get_expr(o.conbin, o.conrelid) FROM pg_constraint o
             WHERE o.contype = 'c' AND (o.conrelid = a.attrelid AND o.conkey = ARRAY[a.attnum] OR o.contypid = a.atttypid)
             ORDER BY o.oid) AS checks,
       coalesce(f.confrelid, 0) AS refers, coalesce(f.column, '') AS refers_column
FROM pg_attribute a
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN LATERAL (
    SELECT o.confrelid, k.attname::text AS column
    FROM pg_constraint o JOIN pg_attribute k ON k.attrelid = o.confrelid AND k.attnum = o.confkey[1]
    WHERE o.conrelid = a.attrelid AND o.contype = 'f' AND o.conkey = ARRAY[a.attnum]
    ORDER BY o.oid LIMIT 1) f ON true
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped`

const findDeletes = `SELECT has_table_privilege('rowcall_app', $1::oid, 'DELETE')`

// readDetails asks the catalog for what describes the resource to its users.
func (r *resource) readDetails(ctx context.Context, pool *pgxpool.Pool) error {
	rows, _ := pool.Query(ctx, findDetails, r.table.OID)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[detail])
	if err == nil {
		err = pool.QueryRow(ctx, findDeletes, r.table.OID).Scan(&r.deletes)
	}
	if err != nil {
		return problem.OfDatabase("asking the catalog for defaults and references", err)
	}
	r.details = map[string]detail{}
	for _, d := range found {
		r.details[d.Name] = d
	}
	return nil
}

// labelOf is the column that names a row to people: the configured one, else the first of free text, else
// the key.
func (r *resource) labelOf(name string) (*column, error) {
	if name != "" {
		if c := r.field(name); c != nil {
			return c, nil
		}
		return nil, fmt.Errorf("%q is no column that %s may read", name, actingRole)
	}
	for _, c := range r.columns {
		if c.kind == valueText && len(r.choicesOf(c)) == 0 {
			return c, nil
		}
	}
	return r.key, nil
}

// link finds out which columns are keys of other resources, once all are there.
func (r *Resources) link() {
	for _, one := range r.list {
		for _, c := range one.columns {
			d, ref := one.details[c.Name], reference{column: c}
			for _, other := range r.list {
				if d.Refers != 0 && other.table.OID == d.Refers && other.key.Name == d.RefersColumn {
					ref.to = append(ref.to, other)
				}
			}
			if len(ref.to) > 0 {
				one.refers = append(one.refers, ref)
			}
		}
	}
}

// target is the resource that a user may ask for the rows behind a reference; nil without one.
func (f reference) target(who identity.Identity) *resource {
	for _, candidate := range f.to {
		if candidate.admits(who) == nil {
			return candidate
		}
	}
	return nil
}

// topicsFor are those that tell the user of changes: what is configured for lists, as far as the rules admit
// the user, else the resource's own topic. Whether access lets the user in is asked when it is followed.
func (r *Resources) topicsFor(one *resource, who identity.Identity) []topic.Topic {
	topics := []topic.Topic{}
	for _, p := range one.follow {
		if topic, ok := r.admitted(p, who); ok {
			topics = append(topics, topic)
		}
	}
	if len(topics) == 0 && one.topic != nil {
		if topic, ok := r.admitted(*one.topic, who); ok {
			topics = append(topics, topic)
		}
	}
	return topics
}

// admitted is the topic of a pattern for a user. It reports false if the rules do not admit the user.
func (r *Resources) admitted(p topic.Pattern, who identity.Identity) (topic.Topic, bool) {
	if p.Has(rules.ParameterMe) && who.Anonymous() {
		return "", false
	}
	own, err := topic.Parse(p.Expand(func(string) string { return who.User }))
	return own, err == nil && r.topics.Admits(own, who) == nil
}
