import { expect, test } from 'vitest';
import type { Change, Rows } from './rows.ts';
import { afterEvent, count, keyOf, LINGER, listed, rowsOf, sweep } from './rows.ts';

const orders = { key: ['id'], columns: [{ name: 'id', type: 'bigint' }, { name: 'status', type: 'text' }] };

const after = (state: Rows, ...events: Change[]) => events.reduce((s, e, i) => afterEvent(orders, s, e, 1000 + i), state);
const shown = (state: Rows) => listed(state).map((r) => `${r.fields.id} ${r.fields.status}${r.gone ? ' gone' : ''}`);

test('a row is inserted, updated and deleted', () => {
  let state = rowsOf(orders, [{ id: 1, status: 'open' }, { id: 2, status: 'open' }]);
  state = after(state, { op: 'insert', key: { id: '3' }, new: { id: 3, status: 'new' } }, { op: 'enter', key: { id: '4' }, new: { id: 4, status: 'new' } });
  expect(shown(state)).toEqual(['4 new', '3 new', '1 open', '2 open']);
  state = after(state, { op: 'update', key: { id: '2' }, new: { id: 2, status: 'late' }, old: { status: 'open' } });
  expect(shown(state)).toEqual(['4 new', '3 new', '1 open', '2 late']);
  state = after(state, { op: 'delete', key: { id: '1' }, old: { id: 1, status: 'open' } }, { op: 'leave', key: { id: '4' }, old: { id: 4, status: 'new' } });
  expect(shown(state)).toEqual(['4 new gone', '3 new', '1 open gone', '2 late']);
  expect(count(listed(state))).toBe(2);
  expect(sweep(state, 1001)).toBe(1000 + LINGER);
  expect(sweep(state, 5000)).toBeUndefined();
  expect(shown(state)).toEqual(['3 new', '2 late']);
  expect(state.changes).toBe(5);
  expect(state.last).toMatchObject({ op: 'leave', key: '4' });
});

test('a row that has gone and comes again is a new one', () => {
  const state = after(rowsOf(orders, [{ id: 1, status: 'open' }]), { op: 'leave', key: { id: '1' }, old: { id: 1 } }, { op: 'enter', key: { id: '1' }, new: { id: 1, status: 'late' } });
  expect(shown(state)).toEqual(['1 late']);
  expect(listed(state)[0]!.since).toBe(1001);
});

test('rows that were not in a truncated snapshot come when they change, and go quietly', () => {
  const state = after(rowsOf(orders, []), { op: 'update', key: { id: '9' }, new: { id: 9, status: 'late' }, old: {} }, { op: 'delete', key: { id: '8' }, old: { id: 8 } });
  expect(shown(state)).toEqual(['9 late']);
  expect(state.changes).toBe(2);
});

test('events that are not of a declared table change nothing', () => {
  const state = rowsOf(orders, []);
  expect(afterEvent(orders, state, {}, 0)).toBe(state);
});

test('keys have one text in snapshots and events', () => {
  const table = { key: ['a', 'b'], columns: [{ name: 'a', type: 'numeric(10,2)' }, { name: 'b', type: 'text' }] };
  expect(keyOf(table, { a: 10, b: '1.0' })).toBe(keyOf(table, { a: '10.00', b: '1.0' }));
  expect(keyOf(table, { a: 100, b: '' })).not.toBe(keyOf(table, { a: 1, b: '' }));
  expect(keyOf(table, { a: 1, b: '1.0' })).not.toBe(keyOf(table, { a: 1, b: '1' }));
});
