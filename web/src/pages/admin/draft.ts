// The state of a form: the row, what the user has entered, and what other users have changed meanwhile.
import { changed as changedFields, equal, merge } from '../../data/merge.ts';
import type { Field, Row } from './describe.ts';
import { beginning, fromText } from './values.ts';

export interface Draft {
  base: Row; // the present row, or the first values of a new one
  values: Row; // of the editable fields, as they would be saved
  texts: Record<string, string>; // of the controls that the user has typed into
  problems: Record<string, string[]>; // by field
  conflicts: string[]; // fields that the user and others have changed differently
  gone: boolean; // the row has been deleted
}

export type Act =
  | { do: 'enter'; field: Field; text: string }
  | { do: 'choose'; field: Field; value: unknown }
  | { do: 'told'; row: Row } // the row was loaded again
  | { do: 'gone' }
  | { do: 'keep' } // keep the user's values
  | { do: 'take' } // take the values of others
  | { do: 'saved'; row: Row }
  | { do: 'refused'; problems: Record<string, string[]> };

const pick = (fields: Field[], row: Row): Row => Object.fromEntries(fields.map((f) => [f.name, row[f.name] ?? null]));

const begun = (base: Row, values: Row): Draft => ({ base, values, texts: {}, problems: {}, conflicts: [], gone: false });

// beginNew returns the form of a new row.
export function beginNew(fields: Field[]): Draft {
  const row = beginning(fields);
  return begun(row, row);
}

// beginEdit returns the form of an existing row.
export const beginEdit = (fields: Field[], row: Row): Draft => begun(row, pick(fields, row));

export function step(draft: Draft, act: Act): Draft {
  switch (act.do) {
    case 'enter': return entered(draft, act.field, act.text);
    case 'choose': return touched(draft, act.field.name, act.value);
    case 'told': return told(draft, act.row);
    case 'gone': return { ...draft, gone: true };
    case 'keep': return { ...draft, conflicts: [] };
    case 'take': return taken(draft);
    case 'saved': return begun(act.row, Object.fromEntries(Object.keys(draft.values).map((name) => [name, act.row[name] ?? null])));
    case 'refused': return { ...draft, problems: act.problems };
  }
}

function entered(draft: Draft, field: Field, text: string): Draft {
  const read = fromText(field, text);
  const next = touched(draft, field.name, 'value' in read ? read.value : draft.values[field.name]);
  const problems = 'problem' in read ? { ...next.problems, [field.name]: [read.problem] } : next.problems;
  return { ...next, problems, texts: { ...next.texts, [field.name]: text } };
}

// touched sets a value, and forgets the problem with the one before.
function touched(draft: Draft, name: string, value: unknown): Draft {
  return { ...draft, values: { ...draft.values, [name]: value }, ...without(draft, [name]) };
}

function without(draft: Draft, names: string[]): Pick<Draft, 'texts' | 'problems'> {
  const kept = <V>(all: Record<string, V>) => Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name)));
  return { texts: kept(draft.texts), problems: kept(draft.problems) };
}

// told applies the present row. It ends conflicts that do not exist any more.
function told(draft: Draft, row: Row): Draft {
  const merged = merge(draft.base, draft.values, row);
  const open = draft.conflicts.filter((name) => !equal(merged.draft[name], row[name]));
  const conflicts = [...new Set([...open, ...merged.conflicts])];
  return { ...draft, base: row, values: merged.draft, conflicts, gone: false, ...without(draft, merged.followed) };
}

function taken(draft: Draft): Draft {
  const theirs = Object.fromEntries(draft.conflicts.map((name) => [name, draft.base[name] ?? null]));
  return { ...draft, values: { ...draft.values, ...theirs }, conflicts: [], ...without(draft, draft.conflicts) };
}

// unsaved returns whether leaving would lose changes.
export const unsaved = (draft: Draft) => Object.keys(changedFields(draft.base, draft.values)).length > 0 || hasProblem(draft);

const hasProblem = (draft: Draft) => Object.keys(draft.texts).some((name) => draft.problems[name]);

// toCreate returns the columns of a new row to send. Empty columns are left to the defaults of the database.
export function toCreate(fields: Field[], draft: Draft): Row {
  const given = fields.filter((f) => {
    const value = draft.values[f.name];
    return value !== null && !(value === '' && !f.required);
  });
  return pick(given, draft.values);
}

// toPatch returns the changed columns of a row.
export const toPatch = (draft: Draft): Row => changedFields(draft.base, draft.values);

// missing returns a problem for each empty required field, and the problems that exist already.
export function missing(fields: Field[], draft: Draft): Record<string, string[]> {
  const problems = Object.fromEntries(Object.entries(draft.problems).filter(([name]) => name in draft.texts));
  for (const f of fields) {
    const value = draft.values[f.name];
    if (f.required && (value === null || value === '') && !problems[f.name]) problems[f.name] = ['This field is required.'];
  }
  return problems;
}
