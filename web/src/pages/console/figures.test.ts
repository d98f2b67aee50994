import { expect, test } from 'vitest';
import { between, rate, size, span } from './figures.ts';

test('sizes', () => {
  expect([0, 1023, 1024, 901_120, 1_073_741_824, 5e12].map(size)).toEqual(['0 B', '1023 B', '1.0 kB', '880 kB', '1.0 GB', '4.5 TB']);
});

test('spans', () => {
  expect([0.04, 9.94, 59, 61, 3600, 86_400, 129_600, 604_800].map(span)).toEqual(['0.0 s', '9.9 s', '59 s', '1 min', '1 h', '24 h', '36 h', '7 days']);
});

test('rates', () => {
  expect([0, 0.44, 99.9, 1234.4].map(rate)).toEqual(['0.0', '0.4', '99.9', (1234).toLocaleString()]);
});

test('a negative duration is zero', () => {
  expect(between('2026-11-20T12:00:01Z', '2026-11-20T12:00:00Z')).toBe(0);
});
