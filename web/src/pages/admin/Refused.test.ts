import { expect, test } from 'vitest';
import { Problem } from '../../data/api.ts';
import type { Field } from './describe.ts';
import { sorted } from './Refused.tsx';

const fields: Field[] = ['user_id', 'status'].map((name) => (
  { name, type: 'text', required: false, read_only: false, create: true, update: true, nullable: true }
));

test('the problem of a shown field belongs to the field', () => {
  expect(sorted(fields, new Problem(400, 'invalid', 'This field is required.', { user_id: ['This field is required.'] })))
    .toEqual({ whole: 'Not saved. Check User id.', byField: { user_id: ['This field is required.'] } });
});

test('problems of the row and of hidden fields belong to the form', () => {
  const { whole, byField } = sorted(fields, new Problem(409, 'conflict', 'x', { non_field_errors: ['Other rows refer to this one.'], join_code: ['Too long.'], status: ['No.'] }));
  expect(whole).toBe('Other rows refer to this one. Join code: Too long.');
  expect(byField).toEqual({ status: ['No.'] });
});

test('any other error is a sentence for the form', () => {
  expect(sorted(fields, new Problem(0, 'unreachable', 'The server cannot be reached.')).whole).toBe('The server cannot be reached.');
  expect(sorted(fields, null)).toEqual({ whole: '', byField: {} });
});
