import { describe, expect, test } from 'vitest';
import { ExactNumber, parse, stringify } from '../../data/json.ts';
import type { Field } from './describe.ts';
import { beginning, choiceLabel, fromText, local, toText } from './values.ts';

const field = (type: Field['type'], more: Partial<Field> = {}): Field =>
  ({ name: 'f', type, required: false, read_only: false, create: true, update: true, nullable: true, ...more });

describe('fromText', () => {
  test('reads numbers, and refuses other texts', () => {
    expect(fromText(field('integer'), ' 42 ')).toEqual({ value: 42 });
    expect(fromText(field('integer'), '9007199254740993')).toEqual({ value: new ExactNumber('9007199254740993') });
    expect(fromText(field('integer'), '-0009007199254740993')).toEqual({ value: new ExactNumber('-9007199254740993') });
    expect(fromText(field('integer'), '+9007199254740993')).toEqual({ value: new ExactNumber('9007199254740993') });
    expect(fromText(field('integer'), '1.5')).toHaveProperty('problem');
    expect(fromText(field('number'), '1e3')).toEqual({ value: 1000 });
    expect(fromText(field('number'), 'NaN')).toHaveProperty('problem');
    expect(fromText(field('decimal'), '1234567890.0123456789')).toEqual({ value: '1234567890.0123456789' });
    expect(fromText(field('decimal'), '1,5')).toHaveProperty('problem');
  });

  test('an empty control is null, an empty text or an error', () => {
    expect(fromText(field('text'), '')).toEqual({ value: null });
    expect(fromText(field('text', { nullable: false }), '')).toEqual({ value: '' });
    expect(fromText(field('integer'), ' ')).toEqual({ value: null });
    expect(fromText(field('integer', { nullable: false }), '')).toHaveProperty('problem');
    expect(fromText(field('choice', { choices: ['a'], nullable: false }), '')).toHaveProperty('problem');
    expect(fromText(field('boolean'), '')).toEqual({ value: null });
  });

  test('choices keep their type', () => {
    expect(fromText(field('integer', { choices: [1, 2] }), '2')).toEqual({ value: 2 });
    expect(fromText(field('text', { choices: ['a', 'b'] }), 'b')).toEqual({ value: 'b' });
    expect(fromText(field('boolean'), 'true')).toEqual({ value: true });
  });

  test('reads JSON, and refuses other texts', () => {
    expect(fromText(field('json'), '{"a":[1]}')).toEqual({ value: { a: [1] } });
    expect(fromText(field('json'), '{a}')).toHaveProperty('problem');
    expect(fromText(field('other'), '[1,2]')).toEqual({ value: [1, 2] });
    expect(fromText(field('other'), '10.0.0.1')).toEqual({ value: '10.0.0.1' });
  });
});

test('times go through a form unchanged', () => {
  for (const at of ['2021-06-01T10:00:00Z', '2026-12-31T23:59:59Z']) {
    expect(fromText(field('datetime'), local(at))).toEqual({ value: at });
  }
  expect(fromText(field('datetime'), 'soon')).toHaveProperty('problem');
  expect(toText(field('datetime'), 'infinity')).toBe('');
});

test('values become text, and the same values again', () => {
  for (const [type, value] of [['integer', 5], ['number', -1.5], ['boolean', true], ['text', 'a "b"'], ['date', '2021-06-01'], ['json', { a: [null] }], ['other', [1, 2]]] as const) {
    expect(fromText(field(type), toText(field(type), value)), type).toEqual({ value });
  }
  expect(toText(field('text'), null)).toBe('');
});

test('numbers beyond 2^53 go through a form unchanged', () => {
  for (const text of ['9007199254740993', '{"n":9007199254740993,"more":[0.12345678901234567890]}', '[9223372036854775807]']) {
    const value = parse(text);
    const type = text.startsWith('9') ? 'integer' : 'json';
    const read = fromText(field(type), toText(field(type), value));
    expect('value' in read && stringify(read.value)).toBe(text);
  }
});

test('a new row starts with defaults', () => {
  expect(beginning([field('text', { name: 'a', default: 'pending' }), field('boolean', { name: 'b', nullable: false }), field('integer', { name: 'c' })]))
    .toEqual({ a: 'pending', b: false, c: null });
  expect(choiceLabel('so_so')).toBe('So so');
  expect(choiceLabel(2)).toBe('2');
});
