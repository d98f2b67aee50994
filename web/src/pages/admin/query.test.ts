import { expect, test } from 'vitest';
import type { Field, Resource } from './describe.ts';
import { lastPage, narrowed, queryOf, readState, writeState } from './query.ts';

const field = (name: string, more: Partial<Field> = {}): Field =>
  ({ name, type: 'text', required: false, read_only: false, create: true, update: true, nullable: true, ...more });

const requests: Resource = {
  name: 'join_requests', key: 'id', label: 'id', create: true, update: true, delete: true, topics: ['room'],
  fields: [field('id', { type: 'integer' }), field('status', { choices: ['pending', 'denied'] }), field('note'), field('extra', { type: 'json' })],
};

const read = (text: string) => readState(requests, new URLSearchParams(text));

test('an empty address lists the newest rows first', () => {
  const state = read('');
  expect(state).toEqual({ search: '', sort: { key: 'id', descending: true }, page: 1, filters: {} });
  expect(writeState(requests, state).toString()).toBe('');
  expect(queryOf(state)).toEqual({ limit: 25, offset: 0, ordering: '-id' });
  expect(narrowed(state)).toBe(false);
});

test('the state of an address gives the same address', () => {
  const text = 'search=a+b&status=denied&sort=-note&page=3';
  const state = read(text);
  expect(writeState(requests, state).toString()).toBe(text);
  expect(queryOf(state)).toEqual({ search: 'a b', status: 'denied', limit: 25, offset: 50, ordering: '-note' });
  expect(narrowed(state)).toBe(true);
});

test('invalid parameters are ignored', () => {
  for (const text of ['sort=-nothing', 'sort=extra', 'sort=--id', 'page=0', 'page=-1', 'page=x', 'page=1.5', 'note=x', 'limit=5', 'sort=%0Aid']) {
    expect(read(text), text).toEqual(read(''));
  }
  expect(read(`search=${'x'.repeat(200)}`).search).toHaveLength(100);
});

test('the last page has the last rows', () => {
  expect([0, 1, 25, 26, 312].map(lastPage)).toEqual([1, 1, 1, 2, 13]);
});
