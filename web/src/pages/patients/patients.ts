// The patients of the page.

import type { RowcallEvent } from 'rowcall';
import { compareIds, withTextIds } from '../../data/ids.ts';
import type { Patient } from '../../data/tables.ts';

export type { Patient };

export const patientsOf = (rows: readonly unknown[]): readonly Patient[] =>
  rows.map((row) => withTextIds<Patient>(row)).sort((a, b) => compareIds(a.id, b.id));

/** reducePatients returns the patients after an event, in the order of their ids. Rows that have not changed stay the same objects. */
export function reducePatients(patients: readonly Patient[], { type, data }: RowcallEvent): readonly Patient[] {
  if (type !== 'patient.change') return patients;
  const { action, ...patient } = withTextIds<Patient & { action: string }>(data);
  const before = patients.findLastIndex((other) => compareIds(other.id, patient.id) <= 0);
  const known = patients[before]?.id === patient.id;
  if (action === 'delete') return known ? patients.toSpliced(before, 1) : patients;
  return known ? patients.with(before, patient) : patients.toSpliced(before + 1, 0, patient);
}

export const nameOf = (patient: Pick<Patient, 'first_name' | 'last_name'>) => `${patient.first_name} ${patient.last_name}`.trim();

export type SortKey = 'last_name' | 'first_name' | 'admission_date' | 'dismissal_date';

export interface Sort {
  key: SortKey | 'id';
  descending: boolean;
}

/** next returns the order after a click on a column: ascending, then descending, then by id. */
export function next(sort: Sort, key: SortKey): Sort {
  if (sort.key !== key) return { key, descending: false };
  return sort.descending ? { key: 'id', descending: false } : { key, descending: true };
}

const alphabet = new Intl.Collator(undefined, { numeric: true });

/** arrange filters and sorts. Patients without a date come last in either order. */
export function arrange(patients: readonly Patient[], text: string, { key, descending }: Sort): readonly Patient[] {
  const sought = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = sought.length === 0 ? patients : patients.filter((patient) => sought.every((word) => nameOf(patient).toLowerCase().includes(word)));
  if (key === 'id') return found;
  const sign = descending ? -1 : 1;
  return found.toSorted((a, b) => {
    const [x, y] = [a[key], b[key]];
    if (x === null || y === null) return Number(x === null) - Number(y === null) || compareIds(a.id, b.id);
    const order = key.endsWith('_date') ? Date.parse(x) - Date.parse(y) : alphabet.compare(x, y);
    return sign * order || compareIds(a.id, b.id);
  });
}
