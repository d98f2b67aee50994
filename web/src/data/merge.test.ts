import { describe, expect, test } from 'vitest';
import { changed, merge } from './merge.ts';

const base = { id: 1, name: 'Ana', state: 'pending', tags: ['a'] };

describe('merge', () => {
  test('takes a value that only the other user has changed', () => {
    const merged = merge(base, { name: 'Ana', state: 'pending' }, { ...base, state: 'done' });
    expect(merged.draft).toEqual({ name: 'Ana', state: 'done' });
    expect(merged.followed).toEqual(['state']);
    expect(merged.conflicts).toEqual([]);
  });

  test('keeps a value that only this user has changed', () => {
    const merged = merge(base, { name: 'Eva', state: 'pending' }, { ...base, state: 'done' });
    expect(merged.draft).toEqual({ name: 'Eva', state: 'done' });
    expect(changed(merged.base, merged.draft)).toEqual({ name: 'Eva' });
  });

  test('reports a field that both have changed, and keeps the input', () => {
    const merged = merge(base, { name: 'Eva', state: 'pending' }, { ...base, name: 'Ada' });
    expect(merged.draft.name).toBe('Eva');
    expect(merged.conflicts).toEqual(['name']);
    expect(merged.base.name).toBe('Ada');
  });

  test('reports no conflict if both values are equal', () => {
    const merged = merge(base, { name: 'Eva' }, { ...base, name: 'Eva' });
    expect(merged.conflicts).toEqual([]);
    expect(changed(merged.base, merged.draft)).toEqual({});
  });

  test('compares lists and objects by value', () => {
    expect(changed(base, { tags: ['a'], name: null })).toEqual({ name: null });
    expect(merge(base, { tags: ['a', 'b'] }, { ...base, tags: ['a'] }).conflicts).toEqual([]);
  });

  test('keeps a field that the row does not have', () => {
    expect(merge(base, { password: 'x' }, base)).toMatchObject({ draft: { password: 'x' }, conflicts: [] });
  });
});
