import { expect, test } from 'vitest';
import { partOf } from './part.ts';

const heights = Array.from({ length: 100 }, () => 10);

test('the visible items and a margin around them are rendered', () => {
  expect(partOf(heights, 500, 100, 50)).toEqual({ start: 45, end: 65, before: 450, after: 350 });
});

test('at the start and at the end there is nothing beyond', () => {
  expect(partOf(heights, 0, 100, 50)).toEqual({ start: 0, end: 15, before: 0, after: 850 });
  expect(partOf(heights, -300, 100, 50)).toMatchObject({ start: 0, before: 0 });
  expect(partOf(heights, Infinity, 100, 50)).toEqual({ start: 85, end: 100, before: 850, after: 0 });
});

test('a list that is shorter than the view is rendered whole', () => {
  for (const top of [-10, 0, 5, Infinity]) expect(partOf([10, 20, 30], top, 500, 100)).toEqual({ start: 0, end: 3, before: 0, after: 0 });
  expect(partOf([], 0, 500, 100)).toEqual({ start: 0, end: 0, before: 0, after: 0 });
});

test('whatever the heights and the position, the heights add up and the view is covered', () => {
  const uneven = Array.from({ length: 500 }, (_, i) => 5 + ((i * 7919) % 93));
  const total = uneven.reduce((sum, h) => sum + h, 0);
  for (let top = -500; top < total + 500; top += 37) {
    const { start, end, before, after } = partOf(uneven, top, 700, 300);
    const shown = uneven.slice(start, end).reduce((sum, h) => sum + h, 0);
    expect(before + shown + after).toBe(total);
    const visible = Math.max(0, Math.min(top, total - 700));
    expect(before).toBeLessThanOrEqual(visible);
    expect(before + shown).toBeGreaterThanOrEqual(Math.min(total, visible + 700));
    expect(end - start).toBeLessThan(400);
  }
});
