// A form's state: the row it began with, what has been entered, and what others do meanwhile.
import { changed as changedFields, equal, merge } from '../../data/merge.ts';
import type { Field, Row } from './describe.ts';
import { beginning, fromText } from './values.ts';

export interface Draft {
  base: Row; // the row as it is there, or what a new one begins with
  values: Row; // the fields that can be edited, as they would be saved
  texts: Record<string, string>; // what stands in controls that have been typed into
  problems: Record<string, string[]>; // by field
  conflicts: string[]; // fields that others have changed to something else than this form
  gone: boolean; // the row has been deleted
}

export type Act =
  | { do: 'enter'; field: Field; text: string }
  | { do: 'choose'; field: Field; value: unknown }
  | { do: 'told'; row: Row } // the row as it is now
  | { do: 'gone' }
  | { do: 'keep' } // mine
  | { do: 'take' } // theirs
  | { do: 'saved'; row: Row }
  | { do: 'refused'; problems: Record<string, string[]> };

const pick = (fields: Field[], row: Row): Row => Object.fromEntries(fields.map((f) => [f.name, row[f.name] ?? null]));

const begun = (base: Row, values: Row): Draft => ({ base, values, texts: {}, problems: {}, conflicts: [], gone: false });

// beginNew is a form for a row that is not there yet.
export function beginNew(fields: Field[]): Draft {
  const row = beginning(fields);
  return begun(row, row);
}

// beginEdit is a form for a row.
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

// touched forgets what was wrong with a field: it is another value now.
function touched(draft: Draft, name: string, value: unknown): Draft {
  return { ...draft, values: { ...draft.values, [name]: value }, ...without(draft, [name]) };
}

function without(draft: Draft, names: string[]): Pick<Draft, 'texts' | 'problems'> {
  const kept = <V>(all: Record<string, V>) => Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name)));
  return { texts: kept(draft.texts), problems: kept(draft.problems) };
}

// told also ends conflicts that there are none any more.
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

// unsaved is whether leaving would lose something.
export const unsaved = (draft: Draft) => Object.keys(changedFields(draft.base, draft.values)).length > 0 || hasProblem(draft);

const hasProblem = (draft: Draft) => Object.keys(draft.texts).some((name) => draft.problems[name]);

// toCreate is what is sent of a new row. What is empty is left to the database's defaults.
export function toCreate(fields: Field[], draft: Draft): Row {
  const given = fields.filter((f) => {
    const value = draft.values[f.name];
    return value !== null && !(value === '' && !f.required);
  });
  return pick(given, draft.values);
}

// toPatch is what is sent of a row that is there: only what has been changed here.
export const toPatch = (draft: Draft): Row => changedFields(draft.base, draft.values);

// missing says which required fields are empty, before the server is asked, and keeps what is wrong already.
export function missing(fields: Field[], draft: Draft): Record<string, string[]> {
  const problems = Object.fromEntries(Object.entries(draft.problems).filter(([name]) => name in draft.texts));
  for (const f of fields) {
    const value = draft.values[f.name];
    if (f.required && (value === null || value === '') && !problems[f.name]) problems[f.name] = ['This field is required.'];
  }
  return problems;
}
