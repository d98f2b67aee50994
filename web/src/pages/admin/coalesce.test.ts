import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { coalesce } from './coalesce.ts';

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

const pace = { soon: 100, apart: 500 };
const settle = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test('many requests at once cause one run', async () => {
  const run = vi.fn(async () => {});
  const all = coalesce(run, pace);
  for (let i = 0; i < 1000; i++) all.ask();
  expect(run).not.toHaveBeenCalled();
  await settle(100);
  expect(run).toHaveBeenCalledTimes(1);
  await settle(10_000);
  expect(run).toHaveBeenCalledTimes(1);
});

test('continuous requests cause runs at intervals, and one after the last request', async () => {
  const run = vi.fn(async () => {});
  const all = coalesce(run, pace);
  for (let ms = 0; ms < 5000; ms += 10) {
    all.ask();
    await settle(10);
  }
  expect(run.mock.calls.length).toBeGreaterThanOrEqual(8);
  expect(run.mock.calls.length).toBeLessThanOrEqual(10);
  const before = run.mock.calls.length;
  await settle(600);
  expect(run.mock.calls.length).toBeLessThanOrEqual(before + 1);
});

test('a request during a run causes another run after it', async () => {
  let open = 0;
  const run = vi.fn(async () => {
    open += 1;
    expect(open).toBe(1);
    await new Promise((done) => setTimeout(done, 300));
    open -= 1;
  });
  const all = coalesce(run, pace);
  all.ask();
  await settle(150);
  all.ask();
  all.now();
  await settle(2000);
  expect(run).toHaveBeenCalledTimes(2);
});

test('a failed run does not stop later runs', async () => {
  const run = vi.fn(async () => { throw new Error('away'); });
  const all = coalesce(run, pace);
  all.now();
  await settle(10);
  all.ask();
  await settle(1000);
  expect(run).toHaveBeenCalledTimes(2);
});

test('now runs without a delay, and stop prevents all runs', async () => {
  const run = vi.fn(async () => {});
  const all = coalesce(run, pace);
  all.ask();
  all.now();
  expect(run).toHaveBeenCalledTimes(1);
  await settle(0);
  all.ask();
  all.stop();
  all.ask();
  all.now();
  await settle(5000);
  expect(run).toHaveBeenCalledTimes(1);
});
