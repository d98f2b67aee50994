import { expect, test } from 'vitest';
import type { Field, Resource } from './describe.ts';
import { listed } from './Rows.tsx';

const field = (name: string, type: Field['type'], readOnly = false): Field =>
  ({ name, type, required: false, read_only: readOnly, create: !readOnly, update: !readOnly, nullable: true });

const resource = (...fields: Field[]): Resource =>
  ({ name: 'patients', key: 'id', label: 'last_name', create: true, update: true, delete: true, topics: [], fields });

test('a wide list leaves out read-only fields', () => {
  const patients = resource(
    field('id', 'integer', true), field('first_name', 'text'), field('last_name', 'text'), field('admission_date', 'datetime'),
    field('dismissal_date', 'datetime'), field('created_at', 'datetime', true), field('updated_at', 'datetime', true),
  );
  expect(listed(patients).map((f) => f.name)).toEqual(['id', 'first_name', 'last_name', 'admission_date', 'dismissal_date']);
});

test('a narrow list shows all fields, and writable fields are always shown', () => {
  const narrow = resource(field('id', 'integer', true), field('last_name', 'text'), field('created_at', 'datetime', true));
  expect(listed(narrow)).toHaveLength(3);
  const wide = resource(...Array.from({ length: 20 }, (_, i) => field(`f${i}`, 'text')));
  expect(listed(wide)).toHaveLength(20);
});
