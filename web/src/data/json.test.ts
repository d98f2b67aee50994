import { expect, test } from 'vitest';
import { ExactNumber, parse, stringify } from './json.ts';

test('JSON is the same text after parsing and writing', () => {
  for (const text of [
    '{"id":9007199254740993,"amounts":[12345678901234567.89,1,2.5,-9007199254740993],"nested":{"n":{"x":9223372036854775807}}}',
    '[0.12345678901234567890,1e400]',
    '9007199254740993',
    '"9007199254740993"',
    '{"9007199254740993":"digits in text: 9007199254740993"}',
    '{"a":1}',
  ]) expect(stringify(parse(text))).toBe(text);
});

test('numbers that JavaScript holds exactly are numbers', () => {
  expect(parse('[1,2.50,9007199254740991]')).toEqual([1, 2.5, 9007199254740991]);
  expect(parse('[9007199254740992]')).toEqual([new ExactNumber('9007199254740992')]);
});

test('an exact number is shown by its digits, and compared by them', () => {
  const [a, b, c] = parse('[9007199254740993,9007199254740993,9007199254740992]') as ExactNumber[];
  expect(`${a}`).toBe('9007199254740993');
  expect(JSON.stringify(a)).toBe(JSON.stringify(b));
  expect(JSON.stringify(a)).not.toBe(JSON.stringify(c));
});

test('text that looks like a mark stays text', () => {
  const text = JSON.stringify({ a: '\uE0000.5:9007199254740993', n: 1 }).replace('1}', '9007199254740993}');
  expect(stringify(parse(text))).toBe(text);
});
