package rules

import "rowcall/notifier/topic"

// TypeBehindDomain is SQL for a lateral join beside a row t of pg_type: its column oid is the type, or the
// type behind it if it is a domain, however many domains lie between.
const TypeBehindDomain = `LATERAL (
    WITH RECURSIVE behind AS (
        SELECT t.oid, t.typtype, t.typbasetype
        UNION ALL
        SELECT n.oid, n.typtype, n.typbasetype FROM behind d JOIN pg_type n ON n.oid = d.typbasetype WHERE d.typtype = 'd'
    )
    SELECT d.oid FROM behind d WHERE d.typtype <> 'd')`

// KindOfIDs returns the kind of the user ids in a column of an SQL type, such as bigint, as format_type
// names it.
func KindOfIDs(sqlType string) topic.Kind {
	switch sqlType {
	case "smallint", "integer", "bigint":
		return topic.KindInt
	case "uuid":
		return topic.KindUUID
	}
	return topic.KindText
}
