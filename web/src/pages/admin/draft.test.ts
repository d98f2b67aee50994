import { expect, test } from 'vitest';
import type { Field } from './describe.ts';
import type { Act, Draft } from './draft.ts';
import { beginEdit, beginNew, missing, step, toCreate, toPatch, unsaved } from './draft.ts';

const field = (name: string, type: Field['type'], more: Partial<Field> = {}): Field =>
  ({ name, type, required: false, read_only: false, create: true, update: true, nullable: true, ...more });

const title = field('title', 'text', { required: true, nullable: false });
const code = field('join_code', 'text', { nullable: false });
const count = field('count', 'integer');
const status = field('status', 'text', { nullable: false, default: 'pending', choices: ['pending', 'admitted'] });
const fields = [title, code, count, status];
const row = { id: 7, title: 'a', join_code: 'x', count: 5, status: 'pending' };

const through = (draft: Draft, ...acts: Act[]) => acts.reduce(step, draft);

test('a new row sends its values, and leaves the others to the database', () => {
  const fresh = beginNew(fields);
  expect(unsaved(fresh)).toBe(false);
  expect(missing(fields, fresh)).toEqual({ title: ['This field is required.'] });
  const draft = through(fresh, { do: 'enter', field: title, text: 'Chess' }, { do: 'enter', field: code, text: 'a' }, { do: 'enter', field: code, text: '' });
  expect(missing(fields, draft)).toEqual({});
  expect(toCreate(fields, draft)).toEqual({ title: 'Chess', status: 'pending' });
  expect(unsaved(draft)).toBe(true);
});

test('an edit sends only changed fields', () => {
  const draft = through(beginEdit(fields, row), { do: 'enter', field: count, text: '6' }, { do: 'choose', field: status, value: 'admitted' });
  expect(toPatch(draft)).toEqual({ count: 6, status: 'admitted' });
  expect(unsaved(through(draft, { do: 'enter', field: count, text: '5' }, { do: 'choose', field: status, value: 'pending' }))).toBe(false);
});

test('an invalid text stays in its control, is not sent, and counts as unsaved', () => {
  const draft = through(beginEdit(fields, row), { do: 'enter', field: count, text: '6x' });
  expect(draft.texts.count).toBe('6x');
  expect(draft.problems.count).toEqual(['Enter a whole number.']);
  expect(unsaved(draft)).toBe(true);
  expect(missing(fields, draft)).toEqual({ count: ['Enter a whole number.'] });
  expect(through(draft, { do: 'enter', field: count, text: '6' }).problems).toEqual({});
});

test('changes of others are shown in fields without input', () => {
  const draft = through(beginEdit(fields, row), { do: 'enter', field: title, text: 'b' }, { do: 'told', row: { ...row, status: 'admitted' } });
  expect(draft.values).toMatchObject({ title: 'b', status: 'admitted' });
  expect(draft.conflicts).toEqual([]);
  expect(toPatch(draft)).toEqual({ title: 'b' });
});

test('a conflict stays until the user decides', () => {
  const draft = through(beginEdit(fields, row), { do: 'enter', field: title, text: 'mine' }, { do: 'told', row: { ...row, title: 'theirs' } }, { do: 'told', row: { ...row, title: 'theirs', count: 6 } });
  expect(draft.conflicts).toEqual(['title']);
  const kept = step(draft, { do: 'keep' });
  expect([kept.conflicts, toPatch(kept)]).toEqual([[], { title: 'mine' }]);
  const taken = step(draft, { do: 'take' });
  expect([taken.conflicts, taken.values.title, unsaved(taken)]).toEqual([[], 'theirs', false]);
  expect(taken.texts).toEqual({});
});

test('a conflict ends when both values are equal', () => {
  const draft = through(beginEdit(fields, row), { do: 'enter', field: title, text: 'mine' }, { do: 'told', row: { ...row, title: 'theirs' } });
  expect(step(draft, { do: 'told', row: { ...row, title: 'mine' } }).conflicts).toEqual([]);
});

test('after a save the form starts with the stored row', () => {
  const draft = through(beginEdit(fields, row), { do: 'enter', field: title, text: ' b ' }, { do: 'refused', problems: { title: ['No.'] } }, { do: 'saved', row: { ...row, title: 'b' } });
  expect(draft.values.title).toBe('b');
  expect([draft.texts, draft.problems, unsaved(draft)]).toEqual([{}, {}, false]);
});

test('a deleted row may be inserted again', () => {
  const draft = through(beginEdit(fields, row), { do: 'gone' });
  expect(draft.gone).toBe(true);
  expect(step(draft, { do: 'told', row }).gone).toBe(false);
});
