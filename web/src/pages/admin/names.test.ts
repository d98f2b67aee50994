import { expect, test } from 'vitest';
import type { Catalog } from './catalog.tsx';
import type { Field, Resource } from './describe.ts';
import { keysIn, topicsOf } from './names.ts';

const field = (name: string, to?: string): Field => ({
  name, type: 'integer', required: false, read_only: false, create: true, update: true, nullable: true,
  ...(to && { references: { resource: to, field: 'id', label: 'name' } }),
});
const resource = (name: string, topics: string[], ...fields: Field[]): Resource =>
  ({ name, key: 'id', label: 'id', create: true, update: true, delete: true, topics, fields });

const users = resource('users', ['user'], field('id'));
const requests = resource('join_requests', ['room'], field('id'), field('user_id', 'users'), field('asked_by', 'users'), field('room_id', 'rooms'));

test('each referenced key is listed once', () => {
  expect(keysIn(requests, [
    { id: 1, user_id: 3, asked_by: 4, room_id: 1 },
    { id: 2, user_id: 3, asked_by: null, room_id: 1 },
    { id: 3, user_id: 4 },
  ])).toEqual({ users: ['3', '4'], rooms: ['1'] });
  expect(keysIn(users, [{ id: 1 }])).toEqual({});
});

test('a list follows its own topics and those of the rows that it refers to', () => {
  const catalog = { find: (name: string) => (name === 'users' ? users : undefined) } as Catalog;
  expect(topicsOf(catalog, requests)).toEqual(['room', 'user']);
});
