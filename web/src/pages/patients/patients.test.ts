import type { RowcallEvent } from 'rowcall';
import { describe, expect, it } from 'vitest';
import { fromInput, inputType, toInput } from './dates.ts';
import { arrange, next, type Patient, patientsOf, reducePatients, type Sort } from './patients.ts';

const patient = (id: number | string, first_name = 'Ana', last_name = 'Ek', admission_date: string | null = null): Patient =>
  ({ id: String(id), first_name, last_name, admission_date, dismissal_date: null, created_at: '', updated_at: '' });

const event = (action: string, row: Patient): RowcallEvent =>
  ({ topic: `patients/${row.id}`, id: '1', type: 'patient.change', data: { ...row, action }, time: '' });

describe('reducePatients', () => {
  const two = [patient(1), patient(3)];

  it('keeps the order of ids, and unchanged rows', () => {
    const three = reducePatients(two, event('create', patient(2)));
    expect(three.map(({ id }) => id)).toEqual(['1', '2', '3']);
    expect(three[0]).toBe(two[0]);
    expect(reducePatients(two, event('create', patient(4))).map(({ id }) => id)).toEqual(['1', '3', '4']);
  });

  it('replaces and removes rows, each once', () => {
    expect(reducePatients(two, event('update', patient(3, 'Mei')))[1]).toEqual(patient(3, 'Mei'));
    expect(reducePatients(two, event('create', patient(3, 'Mei')))).toHaveLength(2);
    expect(reducePatients(two, event('delete', patient(1)))).toEqual([patient(3)]);
    expect(reducePatients(two, event('delete', patient(2)))).toBe(two);
  });

  it('tells rows with ids beyond 2^53 apart', () => {
    const near = patientsOf([patient('9007199254740993'), { ...patient(1), id: 1 }, patient('9007199254740992')]);
    expect(near.map(({ id }) => id)).toEqual(['1', '9007199254740992', '9007199254740993']);
    expect(reducePatients(near, event('delete', patient('9007199254740993')))).toEqual([near[0], near[1]]);
    expect(reducePatients(near, event('update', patient('9007199254740992', 'Mei')))[2]).toBe(near[2]);
    expect(arrange(near, '', { key: 'first_name', descending: false })).toEqual(near);
  });

  it('ignores unknown events', () => {
    expect(reducePatients(two, { ...event('update', patient(1, 'X')), type: 'patient.moved' })).toBe(two);
  });
});

describe('arrange', () => {
  const rows = [patient(1, 'Mei', 'Tanaka', '2026-03-04T21:45:00Z'), patient(2, 'Ana', 'Ek', null), patient(3, 'Samuel', 'Adeyemi', '2026-03-04T21:45:00.5Z')];
  const ids = (text: string, sort: Sort) => arrange(rows, text, sort).map(({ id }) => id);

  it('finds every word, in any order and case', () => {
    expect(ids('tanaka mei', { key: 'id', descending: false })).toEqual(['1']);
    expect(ids('e', { key: 'id', descending: false })).toEqual(['1', '2', '3']);
    expect(ids('x', { key: 'id', descending: false })).toEqual([]);
  });

  it('sorts in both orders, with empty dates last', () => {
    expect(ids('', { key: 'last_name', descending: false })).toEqual(['3', '2', '1']);
    expect(ids('', { key: 'admission_date', descending: false })).toEqual(['1', '3', '2']);
    expect(ids('', { key: 'admission_date', descending: true })).toEqual(['3', '1', '2']);
  });

  it('sorts ascending, descending, and by id', () => {
    const up = next({ key: 'id', descending: false }, 'last_name');
    const down = next(up, 'last_name');
    expect([up, down, next(down, 'last_name')]).toEqual([{ key: 'last_name', descending: false }, { key: 'last_name', descending: true }, { key: 'id', descending: false }]);
  });
});

describe('times', () => {
  it('stay the same to the minute, in any time zone', () => {
    for (const iso of ['2026-03-02T08:30:00.000Z', '2026-07-02T23:59:00.000Z', '1999-12-31T23:00:00.000Z']) {
      expect(fromInput(toInput(iso))).toBe(iso);
    }
    expect(fromInput(toInput('2026-03-02T08:30:59.9Z'))).toBe('2026-03-02T08:30:00.000Z');
  });

  it('are null for an empty field', () => {
    expect([toInput(null), fromInput('')]).toEqual(['', null]);
    expect(fromInput('soon')).toBe('soon'); // the server says what is wrong with it
    for (const at of ['infinity', '0044-03-15T10:00:00Z BC', '12026-06-01T10:00:00Z']) {
      expect([toInput(at), fromInput(at), inputType(at)]).toEqual([at, at, 'text']);
    }
    expect(inputType(toInput('2026-03-02T08:30:00Z'))).toBe('datetime-local');
  });
});
