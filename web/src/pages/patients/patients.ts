// Patients as the page keeps them.

import type { RowcallEvent } from 'rowcall';
import type { Patient } from '../../data/tables.ts';

export type { Patient };

/** reducePatients is the patients after an event, in the order of their ids. What is the same stays the same object. */
export function reducePatients(patients: readonly Patient[], { type, data }: RowcallEvent): readonly Patient[] {
  if (type !== 'patient.change') return patients;
  const { action, ...patient } = data as Patient & { action: string };
  const at = patients.findIndex((other) => other.id >= patient.id);
  const known = at >= 0 && patients[at]!.id === patient.id;
  if (action === 'delete') return known ? patients.toSpliced(at, 1) : patients;
  if (at < 0) return [...patients, patient];
  return patients.toSpliced(at, known ? 1 : 0, patient);
}

export const nameOf = (patient: Patient) => `${patient.first_name} ${patient.last_name}`.trim();

export type SortKey = 'last_name' | 'first_name' | 'admission_date' | 'dismissal_date';

export interface Sort {
  key: SortKey | 'id';
  descending: boolean;
}

/** next is the order after a press on a column's head: up, down, and as they were made. */
export function next(sort: Sort, key: SortKey): Sort {
  if (sort.key !== key) return { key, descending: false };
  return sort.descending ? { key: 'id', descending: false } : { key, descending: true };
}

const alphabet = new Intl.Collator(undefined, { numeric: true });

/** arrange finds and sorts. Who has no date comes last, whichever way. */
export function arrange(patients: readonly Patient[], text: string, { key, descending }: Sort): readonly Patient[] {
  const sought = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = patients.filter((patient) => sought.every((word) => nameOf(patient).toLowerCase().includes(word)));
  if (key === 'id') return found;
  const sign = descending ? -1 : 1;
  return found.toSorted((a, b) => {
    const [x, y] = [a[key], b[key]];
    if (x === null || y === null) return Number(x === null) - Number(y === null) || a.id - b.id;
    const order = key.endsWith('_date') ? Date.parse(x) - Date.parse(y) : alphabet.compare(x, y);
    return sign * order || a.id - b.id;
  });
}
