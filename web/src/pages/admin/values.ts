// Values as rows have them, as a form holds them, and as people read them.
import { words } from './describe.ts';
import type { Field } from './describe.ts';

// toText is a value as its control holds it.
export function toText(field: Field, value: unknown): string {
  if (value === null || value === undefined) return '';
  switch (field.type) {
    case 'datetime': return local(String(value));
    case 'timestamp': return String(value).slice(0, 19);
    case 'time': return String(value).slice(0, 8);
    case 'json': return JSON.stringify(value, null, 2);
    case 'other': return typeof value === 'string' ? value : JSON.stringify(value);
  }
  return String(value);
}

export type Read = { value: unknown } | { problem: string };

// fromText is the value that a control holds. What the server alone can tell is left to it.
export function fromText(field: Field, text: string): Read {
  if (text.trim() === '' && !isText(field)) return field.nullable ? { value: null } : { problem: 'This field is required.' };
  if (text === '' && isText(field)) return { value: field.nullable ? null : '' };
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

// isText is whether an empty control means an empty text, where null is not allowed.
const isText = (field: Field) => field.type === 'text' && !field.choices;

// whole keeps numbers that JavaScript could not hold as texts: the server reads both.
function whole(text: string): Read {
  if (!/^[-+]?\d+$/.test(text)) return { problem: 'Enter a whole number.' };
  const n = Number(text);
  return { value: Number.isSafeInteger(n) ? n : text };
}

function real(text: string): Read {
  const n = Number(text);
  return Number.isFinite(n) ? { value: n } : { problem: 'Enter a number.' };
}

function document(text: string): Read {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { problem: 'Enter valid JSON.' };
  }
}

// loose takes what is not JSON as a text, such as an address or a range.
function loose(text: string): Read {
  const read = document(text);
  return 'value' in read ? read : { value: text };
}

const two = (n: number) => String(n).padStart(2, '0');

// local is a point in time as the reader's clock has it, for an input of type datetime-local.
export function local(at: string): string {
  const d = new Date(at);
  if (Number.isNaN(d.getTime())) return '';
  return `${String(d.getFullYear()).padStart(4, '0')}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

function instant(text: string): Read {
  const d = new Date(text);
  return Number.isNaN(d.getTime()) ? { problem: 'Enter a date and time.' } : { value: d.toISOString().replace('.000Z', 'Z') };
}

// choiceLabel is a choice in words.
export const choiceLabel = (choice: unknown) => (typeof choice === 'string' ? words(choice) || '(empty)' : String(choice));

// beginning is what a form for a new row shows: defaults, and nothing.
export function beginning(fields: Field[]): Record<string, unknown> {
  return Object.fromEntries(fields.map((f) => [f.name, f.default ?? (f.type === 'boolean' && !f.nullable ? false : null)]));
}
