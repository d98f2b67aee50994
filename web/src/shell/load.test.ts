import { expect, test, vi } from 'vitest';
import { Outdated, persist } from './load.ts';

// away returns a server that does not answer the first requests, and records the pauses.
function away(requests: number) {
  const pauses: number[] = [];
  return { pauses, answers: async () => requests-- <= 0, pause: async (ms: number) => void pauses.push(ms) };
}

const unreachable = new TypeError('Failed to fetch dynamically imported module');

test('a part is loaded once', async () => {
  const load = vi.fn(async () => 'page');
  const loaded = persist(load, away(0));
  expect([await loaded(), await loaded()]).toEqual(['page', 'page']);
  expect(load).toHaveBeenCalledTimes(1);
});

test('while the server is away, the part is waited for', async () => {
  const load = vi.fn<() => Promise<string>>().mockRejectedValueOnce(unreachable).mockResolvedValue('page');
  const server = away(6);
  expect(await persist(load, server)()).toBe('page');
  expect(load).toHaveBeenCalledTimes(2);
  expect(server.pauses).toEqual([500, 1000, 2000, 4000, 5000, 5000]);
});

test('a server that goes away again is waited for again', async () => {
  const load = vi.fn<() => Promise<string>>().mockRejectedValueOnce(unreachable).mockRejectedValueOnce(unreachable).mockResolvedValue('page');
  let answers = [false, true, false, true];
  expect(await persist(load, { answers: async () => answers.shift()!, pause: async () => {} })()).toBe('page');
  expect(answers).toEqual([]);
});

test('a file that the server does not have any more is an outdated page, and is tried again later', async () => {
  const load = vi.fn<() => Promise<string>>().mockRejectedValueOnce(unreachable).mockRejectedValueOnce(unreachable).mockResolvedValue('page');
  const loaded = persist(load, away(0));
  await expect(loaded()).rejects.toBeInstanceOf(Outdated);
  expect(await loaded()).toBe('page');
});
