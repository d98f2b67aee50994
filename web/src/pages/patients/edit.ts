// A row that is being edited while others may write it, too.

import { fromInput, show, toInput } from './dates.ts';
import type { Patient } from './patients.ts';

export const fields = ['first_name', 'last_name', 'admission_date', 'dismissal_date'] as const;
export type Field = (typeof fields)[number];

export const labels: Record<Field, string> = {
  first_name: 'First name',
  last_name: 'Last name',
  admission_date: 'Admitted',
  dismissal_date: 'Discharged',
};

/** Draft is what stands in the fields. */
export type Draft = Record<Field, string>;

/** Foreign is one field that somebody else has changed while it was edited. */
export interface Foreign {
  field: Field;
  value: string; // as it is typed
  mine: boolean; // the reader has changed it as well, to something else
}

export interface Edit {
  id: number;
  base: Draft; // the row as the reader knows it
  draft: Draft;
  sent: Draft | null; // what is on its way to the server
  foreign: readonly Foreign[]; // what the reader has to be told
  deleted: boolean;
}

export const empty: Draft = { first_name: '', last_name: '', admission_date: '', dismissal_date: '' };

export function draftOf(patient: Patient): Draft {
  return {
    first_name: patient.first_name,
    last_name: patient.last_name,
    admission_date: toInput(patient.admission_date),
    dismissal_date: toInput(patient.dismissal_date),
  };
}

export function begin(patient: Patient): Edit {
  const base = draftOf(patient);
  return { id: patient.id, base, draft: base, sent: null, foreign: [], deleted: false };
}

export function type(edit: Edit, field: Field, value: string): Edit {
  return { ...edit, draft: { ...edit.draft, [field]: value } };
}

/**
 * observe compares the row as it is now (undefined: deleted) with the row as the reader knows it. What
 * the reader has not touched follows the row; what both have changed is left as typed, to be decided.
 * The reader's own write is no news, whether its event comes before or after the answer to it.
 */
export function observe(edit: Edit, now: Patient | undefined): Edit {
  if (!now) return edit.deleted ? edit : { ...edit, deleted: true };
  const theirs = draftOf(now);
  const changed = fields.filter((field) => theirs[field] !== edit.base[field]);
  if (changed.length === 0 && !edit.deleted) return edit;
  const draft = { ...edit.draft };
  let foreign = edit.foreign;
  for (const field of changed) {
    const touched = edit.draft[field] !== edit.base[field];
    const own = edit.sent?.[field] === theirs[field];
    if (!touched) draft[field] = theirs[field];
    foreign = foreign.filter((other) => other.field !== field);
    if (!own && theirs[field] !== edit.draft[field]) foreign = [...foreign, { field, value: theirs[field], mine: touched }];
  }
  return { ...edit, base: theirs, draft, foreign, deleted: false };
}

/** takeTheirs puts what others have written into the fields. */
export function takeTheirs(edit: Edit): Edit {
  const draft = { ...edit.draft };
  for (const { field, value } of edit.foreign) draft[field] = value;
  return { ...edit, draft, foreign: [] };
}

/** keepMine is told, and leaves the fields as they are. */
export const keepMine = (edit: Edit): Edit => ({ ...edit, foreign: [] });

/** changes is what differs from the row: only that is sent, so that the rest of the row stays as others have it. */
export function changes(base: Draft, draft: Draft): Partial<Patient> {
  const changed: Partial<Patient> = {};
  for (const field of fields) {
    if (draft[field] === base[field]) continue;
    Object.assign(changed, { [field]: isDate(field) ? fromInput(draft[field]) : draft[field].trim() });
  }
  return changed;
}

export const isDate = (field: Field) => field.endsWith('_date');

/** shown is a field's value as people read it. */
export function shown(field: Field, value: string): string {
  if (!value) return 'empty';
  return isDate(field) ? show(fromInput(value)) : `“${value}”`;
}
