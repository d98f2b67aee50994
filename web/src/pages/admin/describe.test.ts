import { expect, test } from 'vitest';
import type { Field, Resource } from './describe.ts';
import { fieldLabel, nameOf, one, withArticle, words } from './describe.ts';

const field = (name: string, more: Partial<Field> = {}): Field =>
  ({ name, type: 'integer', required: false, read_only: false, create: true, update: true, nullable: true, ...more });

const resource = (name: string, label: string): Resource =>
  ({ name, key: 'id', label, create: true, update: true, delete: true, topics: [], fields: [] });

test('names become words', () => {
  expect(words('join_requests')).toBe('Join requests');
  expect(words('dam-sites')).toBe('Dam sites');
  expect(one({ name: 'join_requests' })).toBe('Join request');
  expect(one({ name: 'companies' })).toBe('Company');
  expect(one({ name: 'addresses' })).toBe('Address');
  expect(one({ name: 'boxes' })).toBe('Box');
  expect(one({ name: 'press' })).toBe('Press');
  expect(one({ name: 'staff' })).toBe('Staff');
  expect(withArticle('User')).toBe('a user');
  expect(withArticle('Order')).toBe('an order');
  expect(withArticle('Dam')).toBe('a dam');
});

test('fields have readable labels', () => {
  expect(fieldLabel(field('user_id', { references: { resource: 'users', field: 'id', label: 'username' } }))).toBe('User');
  expect(fieldLabel(field('user_id'))).toBe('User id');
  expect(fieldLabel(field('is_active', { type: 'boolean' }))).toBe('Active');
  expect(fieldLabel(field('id'))).toBe('ID');
});

test('a row is named by its label, if that is not empty', () => {
  expect(nameOf(resource('users', 'username'), { id: 3, username: 'carol' })).toBe('carol');
  expect(nameOf(resource('users', 'username'), { id: 3, username: '' })).toBe('User 3');
  expect(nameOf(resource('dams', 'name'), { id: 3, name: null })).toBe('Dam 3');
  expect(nameOf(resource('join_requests', 'id'), { id: 31 })).toBe('Join request 31');
});
