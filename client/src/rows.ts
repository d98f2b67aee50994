import type { RowcallEvent } from './types.js'

type Row = Record<string, unknown>

/**
 * Keeps rows by a field: an event that tells of a row puts it in, changes it or takes it out; any other leaves the rows as
 * they are. Understood are events whose data is the row, and those of watched tables (`op`, `new`, `old`).
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
    return same(row, next) ? rows : rows.map((other) => (other === row ? next : other))
  }
}

export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
