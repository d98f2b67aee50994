// A row that is edited, while other users may change it as well.

import type { Id } from '../../data/ids.ts';
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

/** Draft has the text of each field. */
export type Draft = Record<Field, string>;

/** Foreign is a field that another user has changed while the row was edited. */
export interface Foreign {
  field: Field;
  value: string; // as the text of the field
  mine: boolean; // the user has changed it as well, to another value
}

export interface Edit {
  id: Id;
  base: Draft; // the row as the user knows it
  draft: Draft;
  sent: Draft | null; // what is being saved
  foreign: readonly Foreign[]; // changes to report to the user
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
 * observe compares the present row (undefined: deleted) with the row as the user knows it. Fields that the user has not
 * changed follow the row. Fields that both have changed keep the user's text, and are reported. The user's own save is not
 * reported, whether its event arrives before or after the answer.
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

/** takeTheirs puts the values of other users into the fields. */
export function takeTheirs(edit: Edit): Edit {
  const draft = { ...edit.draft };
  for (const { field, value } of edit.foreign) draft[field] = value;
  return { ...edit, draft, foreign: [] };
}

/** keepMine keeps the user's text. */
export const keepMine = (edit: Edit): Edit => ({ ...edit, foreign: [] });

/** changes returns the changed columns. Only these are sent, so that a save does not undo changes of other users. */
export function changes(base: Draft, draft: Draft): Partial<Patient> {
  const changed: Partial<Patient> = {};
  for (const field of fields) {
    if (draft[field] === base[field]) continue;
    Object.assign(changed, { [field]: isDate(field) ? fromInput(draft[field]) : draft[field].trim() });
  }
  return changed;
}

export const isDate = (field: Field) => field.endsWith('_date');

/** shown returns the value of a field for a message. */
export function shown(field: Field, value: string): string {
  if (!value) return 'empty';
  return isDate(field) ? show(fromInput(value)) : `“${value}”`;
}
