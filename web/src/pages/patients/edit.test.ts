import { describe, expect, it } from 'vitest';
import { toInput } from './dates.ts';
import { begin, changes, draftOf, keepMine, observe, shown, takeTheirs, type } from './edit.ts';
import type { Patient } from './patients.ts';

const ana: Patient = {
  id: '1', first_name: 'Ana', last_name: 'Ek', admission_date: '2026-03-02T08:30:00Z', dismissal_date: null,
  created_at: '2026-03-02T08:30:00Z', updated_at: '2026-03-02T08:30:00Z',
};

describe('a row that others change while it is edited', () => {
  it('reports nothing while nothing changes', () => {
    const edit = type(begin(ana), 'first_name', 'Anna');
    expect(observe(edit, { ...ana, updated_at: '2026-03-03T00:00:00Z' })).toBe(edit);
  });

  it('takes a value that the user has not changed, and reports it', () => {
    const edit = observe(type(begin(ana), 'first_name', 'Anna'), { ...ana, last_name: 'Eek' });
    expect(edit.draft).toMatchObject({ first_name: 'Anna', last_name: 'Eek' });
    expect(edit.foreign).toEqual([{ field: 'last_name', value: 'Eek', mine: false }]);
    expect(changes(edit.base, edit.draft)).toEqual({ first_name: 'Anna' });
  });

  it('keeps the input for a field that both have changed, until the user decides', () => {
    const edit = observe(type(begin(ana), 'first_name', 'Anna'), { ...ana, first_name: 'Anita', last_name: 'Eek' });
    expect(edit.draft.first_name).toBe('Anna');
    expect(edit.foreign).toEqual([
      { field: 'first_name', value: 'Anita', mine: true },
      { field: 'last_name', value: 'Eek', mine: false },
    ]);
    expect(keepMine(edit)).toMatchObject({ draft: { first_name: 'Anna' }, foreign: [] });
    expect(changes(keepMine(edit).base, keepMine(edit).draft)).toEqual({ first_name: 'Anna' });
    expect(takeTheirs(edit)).toMatchObject({ draft: { first_name: 'Anita', last_name: 'Eek' }, foreign: [] });
    expect(changes(takeTheirs(edit).base, takeTheirs(edit).draft)).toEqual({});
  });

  it('reports no conflict if both values are equal', () => {
    const edit = observe(type(begin(ana), 'first_name', 'Anna'), { ...ana, first_name: 'Anna' });
    expect(edit.foreign).toEqual([]);
    expect(changes(edit.base, edit.draft)).toEqual({});
  });

  it('reports the last change of a field, and none that was undone', () => {
    const typed = type(begin(ana), 'first_name', 'Anna');
    const twice = observe(observe(typed, { ...ana, first_name: 'Anita' }), { ...ana, first_name: 'Antonia' });
    expect(twice.foreign).toEqual([{ field: 'first_name', value: 'Antonia', mine: true }]);
    expect(observe(twice, { ...ana, first_name: 'Anna' }).foreign).toEqual([]);
  });

  it('does not report its own save, whose event arrives before the answer', () => {
    const typed = type(begin(ana), 'first_name', ' Anna ');
    const saving = { ...typed, sent: { ...typed.draft, first_name: 'Anna' } };
    expect(observe(saving, { ...ana, first_name: 'Anna' }).foreign).toEqual([]);
    expect(observe(saving, { ...ana, first_name: 'Anita' }).foreign).toHaveLength(1);
  });

  it('reports that the row was deleted, and that it exists again', () => {
    const gone = observe(type(begin(ana), 'first_name', 'Anna'), undefined);
    expect(gone).toMatchObject({ deleted: true, draft: { first_name: 'Anna' } });
    expect(observe(gone, undefined)).toBe(gone);
    expect(observe(gone, ana)).toMatchObject({ deleted: false, draft: { first_name: 'Anna' } });
  });
});

describe('the changes to send', () => {
  it('are the changed fields: trimmed text, dates in UTC, null for an empty date', () => {
    const base = draftOf({ ...ana, dismissal_date: '2026-03-06T10:15:00.25Z' });
    const draft = { ...base, last_name: ' Eek ', admission_date: toInput('2026-07-02T08:31:00Z'), dismissal_date: '' };
    expect(changes(base, draft)).toEqual({ last_name: 'Eek', admission_date: '2026-07-02T08:31:00.000Z', dismissal_date: null });
  });

  it('do not include an unchanged date, which keeps its fraction of a second', () => {
    const base = draftOf({ ...ana, admission_date: '2026-03-02T08:30:12.345678Z' });
    expect(changes(base, { ...base, first_name: 'Anna' })).toEqual({ first_name: 'Anna' });
  });
});

it('formats values for messages', () => {
  expect(shown('first_name', 'Anna')).toBe('“Anna”');
  expect(shown('dismissal_date', '')).toBe('empty');
  expect(shown('admission_date', toInput('2026-03-02T08:30:00Z'))).toMatch(/2026/);
});
