// The rows of a declared table: the snapshot of its topic, and then what its events say.
import { equal } from '../../data/merge.ts';
import type { TableInfo } from './tables.ts';

export type Fields = Record<string, unknown>;

export interface Row {
  id: string; // the text of the key
  fields: Fields;
  version: number; // grows when the row changes
  since?: number; // milliseconds since 1970, of a row that came while the page was open
  gone?: number; // likewise, of a row that was deleted or left: it is still shown for a moment
}

export interface LastChange {
  op: string;
  key: string; // for people
  at: number; // milliseconds since 1970
}

// Rows is the state of the page. A state shares its maps with the states before it: each change makes a new object around
// the same rows, so that an event costs the same however many rows there are.
export interface Rows {
  read: Map<string, Row>; // the rows of the snapshot, in its order
  come: Map<string, Row>; // rows that came later, the newest last
  changes: number;
  last?: LastChange;
}

export interface Change {
  op?: string;
  key?: Fields;
  new?: Fields;
  old?: Fields;
}

export const LINGER = 1500; // milliseconds that a row is still shown after it has gone

type Key = Pick<TableInfo, 'key' | 'columns'>;

// keyOf returns the text by which a row is told apart. Numbers of type numeric have one spelling: JSON.parse takes zeros from
// the end of the snapshot's, and keys of events are text with all of them.
export function keyOf(table: Key, fields: Fields): string {
  return JSON.stringify(table.key.map((name) => {
    const value = fields[name];
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
    const numeric = table.columns.find((c) => c.name === name)?.type.startsWith('numeric');
    return numeric && text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  }));
}

// shownKey returns a key for people: 7, or eu, 7.
export const shownKey = (table: Key, key: Fields): string => table.key.map((name) => String(key[name])).join(', ');

// rowsOf returns the state for the rows of a snapshot.
export function rowsOf(table: Key, snapshot: Fields[]): Rows {
  const read = new Map<string, Row>();
  for (const fields of snapshot) {
    const id = keyOf(table, fields);
    read.set(id, { id, fields, version: 0 });
  }
  return { read, come: new Map(), changes: 0 };
}

// afterEvent returns the state after an event. Events of a truncated snapshot may be about rows that are not shown: they come.
export function afterEvent(table: Key, state: Rows, { op, key, new: now, old }: Change, at: number): Rows {
  if (!op || !key) return state;
  const id = keyOf(table, key);
  const home = state.read.has(id) ? state.read : state.come;
  const before = home.get(id);
  if (now) {
    put(state, home, { id, fields: now, version: (before?.version ?? 0) + 1, since: before && !before.gone ? before.since : at }, before);
  } else if (before) {
    home.set(id, { ...before, fields: old ?? before.fields, gone: at });
  }
  return { ...state, changes: state.changes + 1, last: { op, key: shownKey(table, key), at } };
}

// put puts a row in its place. A row that has gone, and has come again, comes as a new one.
function put(state: Rows, home: Map<string, Row>, row: Row, before: Row | undefined) {
  if (before?.gone) {
    home.delete(row.id);
    home = state.come;
  }
  if (before && !before.gone && equal(before.fields, row.fields)) row = { ...row, fields: before.fields };
  home.set(row.id, row);
}

// sweep drops rows that have gone for long enough. It returns when to sweep again; undefined if no row is on its way out.
export function sweep({ read, come }: Rows, now: number): number | undefined {
  let next: number | undefined;
  for (const rows of [read, come]) {
    for (const [id, { gone }] of rows) {
      if (gone === undefined) continue;
      if (now - gone >= LINGER) rows.delete(id);
      else next = Math.min(next ?? Infinity, gone + LINGER);
    }
  }
  return next;
}

// listed returns the rows as they are shown: those that came, the newest first, above those of the snapshot.
export const listed = ({ read, come }: Rows): Row[] => [...[...come.values()].reverse(), ...read.values()];

// count returns how many rows there are, without those that are on their way out.
export const count = (rows: readonly Row[]): number => rows.reduce((n, { gone }) => n + (gone === undefined ? 1 : 0), 0);
