// Conversions between the values of rows, the texts of controls, and labels.
import { ExactNumber, parse, stringify } from '../../data/json.ts';
import { words } from './describe.ts';
import type { Field } from './describe.ts';

// toText returns the text of a control for a value.
export function toText(field: Field, value: unknown): string {
  if (value === null || value === undefined) return '';
  switch (field.type) {
    case 'datetime': return isBeyond(String(value)) ? String(value) : local(String(value)) || String(value);
    case 'timestamp': return isBeyond(String(value)) ? String(value) : String(value).slice(0, 19);
    case 'time': return String(value).slice(0, 8);
    case 'json': return stringify(value, 2);
    case 'other': return typeof value === 'string' ? value : stringify(value);
  }
  return String(value);
}

export type Read = { value: unknown } | { problem: string };

// fromText returns the value for the text of a control, or what is wrong with the text. The server checks the rest.
export function fromText(field: Field, text: string): Read {
  if (text.trim() === '' && !isText(field)) return field.nullable ? { value: null } : { problem: 'This field is required.' };
  if (text === '' && isText(field)) return { value: field.nullable ? null : '' };
  switch (field.type) {
    case 'number':
    case 'decimal': if (/^(NaN|-?Infinity)$/.test(text.trim())) return { value: text.trim() };
  }
  switch (field.type) {
    case 'integer': return whole(text.trim());
    case 'number': return real(text.trim());
    case 'decimal': return /^[-+]?(\d+\.?\d*|\.\d+)$/.test(text.trim()) ? { value: text.trim() } : { problem: 'Enter a number.' };
    case 'boolean': return { value: text === 'true' };
    case 'datetime': return instant(text);
    case 'json': return document(text);
    case 'other': return loose(text);
  }
  if (field.choices) return { value: field.choices.find((c) => String(c) === text) ?? text };
  return { value: text };
}

// isText returns whether an empty control can mean an empty text.
const isText = (field: Field) => field.type === 'text' && !field.choices;

function whole(text: string): Read {
  if (!/^[-+]?\d+$/.test(text)) return { problem: 'Enter a whole number.' };
  const n = Number(text);
  return { value: Number.isSafeInteger(n) ? n : new ExactNumber(String(BigInt(text.replace('+', '')))) };
}

function real(text: string): Read {
  const n = Number(text);
  return Number.isFinite(n) ? { value: n } : { problem: 'Enter a number.' };
}

function document(text: string): Read {
  try {
    return { value: parse(text) };
  } catch {
    return { problem: 'Enter valid JSON.' };
  }
}

// loose returns text that is not JSON as it is, for example a network address or a range.
function loose(text: string): Read {
  const read = document(text);
  return 'value' in read ? read : { value: text };
}

const two = (n: number) => String(n).padStart(2, '0');

// local returns a time in the user's time zone, for an input of type datetime-local.
export function local(at: string): string {
  const d = new Date(at);
  if (Number.isNaN(d.getTime())) return '';
  return `${String(d.getFullYear()).padStart(4, '0')}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** isBeyond returns whether a date lies where neither the inputs of browsers nor Date go: without end, before the year 1, after 9999. */
export const isBeyond = (text: string) => /^-?infinity$|^\d{5}| BC$/.test(text.trim());

/** fitsPicker returns whether an input of the type for dates or times can show a text. It shows other texts as an empty control. */
export function fitsPicker(field: Field, shown: string): boolean {
  switch (field.type) {
    case 'datetime':
    case 'timestamp': return /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$|^$/.test(shown);
    case 'date': return /^(?!0000)\d{4}-\d\d-\d\d$|^$/.test(shown);
    case 'time': return /^([01]\d|2[0-3]):\d\d(:\d\d)?$|^$/.test(shown);
  }
  return true;
}

function instant(text: string): Read {
  if (isBeyond(text)) return { value: text.trim() };
  const d = new Date(text);
  return Number.isNaN(d.getTime()) ? { problem: 'Enter a date and time.' } : { value: d.toISOString().replace('.000Z', 'Z') };
}

// choiceLabel returns the label of a choice.
export const choiceLabel = (choice: unknown) => (typeof choice === 'string' ? words(choice) || '(empty)' : String(choice));

// beginning returns the values of a new row's form: defaults, or null.
export function beginning(fields: Field[]): Record<string, unknown> {
  return Object.fromEntries(fields.map((f) => [f.name, f.default ?? (f.type === 'boolean' && !f.nullable ? false : null)]));
}
