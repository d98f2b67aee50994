// The description of resources that GET /api/resources returns, and the words for it.
import { request } from '../../data/api.ts';
import type { Row } from '../../data/rows.ts';

export type { Row };

// Key is the text of a key. JavaScript would round a number beyond 2^53.
export type Key = string;

export interface Resource {
  name: string;
  key: string; // the key field
  label: string; // the field that names a row
  create: boolean;
  update: boolean;
  delete: boolean;
  topics: string[]; // whose events report changes
  fields: Field[];
}

export interface Field {
  name: string;
  type: 'text' | 'integer' | 'number' | 'decimal' | 'boolean' | 'datetime' | 'timestamp' | 'date' | 'time' | 'uuid' | 'choice' | 'json' | 'other';
  required: boolean;
  read_only: boolean;
  create: boolean;
  update: boolean;
  nullable: boolean;
  max_length?: number;
  default?: unknown;
  choices?: (string | number)[];
  references?: Reference;
}

export interface Reference {
  resource: string;
  field: string;
  label: string;
}

export const describeResources = (signal?: AbortSignal) =>
  request<{ resources: Resource[] }>('GET', '/api/resources', { signal }).then((answer) => answer.resources);

export const keyOf = (resource: Resource, row: Row): Key => String(row[resource.key]);

export const labelField = (resource: Resource) => resource.fields.find((f) => f.name === resource.label);

// words returns a name as words: join_requests is Join requests.
export function words(name: string): string {
  const text = name.replace(/[_-]+/g, ' ').trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// one returns the name of a single row of a resource.
export function one(resource: { name: string }): string {
  const many = words(resource.name);
  if (/ies$/.test(many)) return many.replace(/ies$/, 'y');
  if (/(ss|x|ch|sh)es$/.test(many)) return many.slice(0, -2);
  return /[^s]s$/.test(many) ? many.slice(0, -1) : many;
}

// withArticle puts "a" or "an" before a name.
export const withArticle = (name: string) => `${/^[aeio]|^u[^s]/i.test(name) ? 'an' : 'a'} ${name.toLowerCase()}`;

// fieldLabel returns the label of a field: user_id is User if it refers to a user.
export function fieldLabel(field: Field): string {
  if (field.references) return words(field.name.replace(/_id$/, ''));
  if (field.type === 'boolean') return words(field.name.replace(/^is_/, ''));
  return field.name === 'id' ? 'ID' : words(field.name);
}

// nameOf returns the name of a row: its label, or else the kind of row and its key.
export function nameOf(resource: Resource, row: Row): string {
  const label = row[resource.label];
  const said = resource.label !== resource.key && label !== null && label !== undefined && label !== '';
  return said ? String(label) : `${one(resource)} ${String(row[resource.key])}`;
}

// inSentence returns the name for the middle of a sentence.
export function inSentence(resource: Resource, row: Row): string {
  const name = nameOf(resource, row);
  return name === `${one(resource)} ${String(row[resource.key])}` ? name.charAt(0).toLowerCase() + name.slice(1) : name;
}

// sortable returns whether the server can order by a field.
export const sortable = (field: Field) => field.type !== 'json' && field.type !== 'other';

// filterable returns whether a list can be filtered by a field: it has few values.
export const filterable = (field: Field) => Boolean(field.choices || field.references) || field.type === 'boolean';
