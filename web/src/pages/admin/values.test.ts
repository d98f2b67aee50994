import { describe, expect, test } from 'vitest';
import { ExactNumber, parse, stringify } from '../../data/json.ts';
import type { Field } from './describe.ts';
import { beginning, choiceLabel, fitsPicker, fromText, local, toText } from './values.ts';

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
    expect(fromText(field('number'), '1e400')).toHaveProperty('problem');
    for (const text of ['NaN', 'Infinity', '-Infinity']) {
      expect(fromText(field('number'), text)).toEqual({ value: text });
      expect(fromText(field('decimal'), text)).toEqual({ value: text });
    }
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
});

test('dates and times that inputs of browsers cannot show are text, and the same values again', () => {
  const values = {
    datetime: ['infinity', '-infinity', '0044-03-15T10:00:00Z BC', '12026-06-01T10:00:00.500000Z'],
    timestamp: ['infinity', '0044-03-15T10:00:00 BC', '12026-06-01T10:00:00.25'],
    date: ['infinity', '-infinity', '0044-03-15 BC', '12026-06-01'],
    time: ['24:00:00'],
  };
  for (const [type, texts] of Object.entries(values) as [Field['type'], string[]][]) {
    for (const text of texts) {
      expect(toText(field(type), text), type).toBe(text);
      expect(fitsPicker(field(type), text), text).toBe(false);
      expect(fromText(field(type), text), type).toEqual({ value: text });
    }
    expect(fitsPicker(field(type), '')).toBe(true);
  }
  for (const [type, value] of [['datetime', '2026-06-01T10:00:00Z'], ['timestamp', '2026-06-01T10:00:00.5'], ['date', '0001-01-01'], ['time', '10:00:00.25']] as const) {
    expect(fitsPicker(field(type), toText(field(type), value)), value).toBe(true);
  }
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
