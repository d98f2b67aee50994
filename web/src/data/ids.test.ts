import { expect, test } from 'vitest';
import { compareIds, idOf, toNumber, withNumberIds, withTextIds } from './ids.ts';
import { ExactNumber, parse, stringify } from './json.ts';

const near = ['9007199254740991', '9007199254740992', '9007199254740993', '9007199254740994'];

test('an id is the same text, whether the server sent it as a number or as text', () => {
  for (const id of near) {
    expect(idOf((parse(`{"id":${id}}`) as { id: unknown }).id)).toBe(id);
    expect(idOf(id)).toBe(id);
    expect(stringify({ id: toNumber(id) })).toBe(`{"id":${id}}`);
  }
  expect(toNumber('42')).toBe(42);
});

test('ids are ordered by value', () => {
  const ids = [...near, '-9007199254740993', '-5', '0', '10', '9', '9223372036854775807'];
  expect(ids.toSorted(compareIds)).toEqual(['-9007199254740993', '-5', '0', '9', '10', ...near, '9223372036854775807']);
  expect(compareIds('7', '7')).toBe(0);
});

test('a row keeps text in its id fields, and is sent with numbers', () => {
  const row = withTextIds<Record<string, unknown>>(parse('{"id":9007199254740993,"dam_id":null,"user_id":2,"title":"9","flow":2.5}'));
  expect(row).toEqual({ id: '9007199254740993', dam_id: null, user_id: '2', title: '9', flow: 2.5 });
  expect(stringify(withNumberIds(row))).toBe('{"id":9007199254740993,"dam_id":null,"user_id":2,"title":"9","flow":2.5}');
  expect(withNumberIds({ dam_id: undefined, id: '9007199254740993' })).toEqual({ dam_id: undefined, id: new ExactNumber('9007199254740993') });
});
