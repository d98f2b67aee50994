import type { RowcallEvent } from './types.js'

type Row = Record<string, unknown>

/**
 * Returns a reducer that keeps a list of rows by a key field. An event about a row adds it, changes it or removes it; other
 * events change nothing. The row is the event's data, or `new` or `old` in it, as in the events of watched tables.
 */
export function byKey(key = 'id'): (rows: any, event: RowcallEvent) => any {
  return (rows: Row[], { type, data }) => {
    const op = data?.op ?? data?.action ?? type
    const told: Row = data?.new ?? data?.old ?? data
    const id = told?.[key]
    if (op === 'truncate') return rows[0] ? [] : rows
    if (id === undefined) return rows
    const at = rows.findIndex((row) => String(row[key]) === String(id))
    const row = rows[at]
    if (/(delete|leave)d?$/.test(op)) return row ? rows.filter((other) => other !== row) : rows
    if (!row) return [...rows, told]
    const next = { ...row }
    for (const field in row) if (field !== key && field in told) next[field] = told[field]
    return sameJSON(row, next) ? rows : rows.map((other) => (other === row ? next : other))
  }
}

/** Whether two values have the same JSON text. */
export function sameJSON(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
