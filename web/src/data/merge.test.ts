import { describe, expect, test } from 'vitest';
import { changed, merge } from './merge.ts';

const base = { id: 1, name: 'Ana', state: 'pending', tags: ['a'] };

describe('merge', () => {
  test('takes what only they have changed', () => {
    const merged = merge(base, { name: 'Ana', state: 'pending' }, { ...base, state: 'done' });
    expect(merged.draft).toEqual({ name: 'Ana', state: 'done' });
    expect(merged.followed).toEqual(['state']);
    expect(merged.conflicts).toEqual([]);
  });

  test('keeps what only this person has changed', () => {
    const merged = merge(base, { name: 'Eva', state: 'pending' }, { ...base, state: 'done' });
    expect(merged.draft).toEqual({ name: 'Eva', state: 'done' });
    expect(changed(merged.base, merged.draft)).toEqual({ name: 'Eva' });
  });

  test('names what both have changed, and keeps what has been entered', () => {
    const merged = merge(base, { name: 'Eva', state: 'pending' }, { ...base, name: 'Ada' });
    expect(merged.draft.name).toBe('Eva');
    expect(merged.conflicts).toEqual(['name']);
    expect(merged.base.name).toBe('Ada');
  });

  test('has no conflict where both have changed it to the same', () => {
    const merged = merge(base, { name: 'Eva' }, { ...base, name: 'Eva' });
    expect(merged.conflicts).toEqual([]);
    expect(changed(merged.base, merged.draft)).toEqual({});
  });

  test('compares lists and objects by what is in them', () => {
    expect(changed(base, { tags: ['a'], name: null })).toEqual({ name: null });
    expect(merge(base, { tags: ['a', 'b'] }, { ...base, tags: ['a'] }).conflicts).toEqual([]);
  });

  test('a field that the row does not have is left alone', () => {
    expect(merge(base, { password: 'x' }, base)).toMatchObject({ draft: { password: 'x' }, conflicts: [] });
  });
});
