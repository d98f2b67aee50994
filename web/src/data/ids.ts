// Ids are bigint in the database. The pages keep them as text, because JavaScript rounds numbers beyond 2^53.
import { ExactNumber } from './json.ts';

export type Id = string;

// idOf returns the text of an id that came from the server: a number, an ExactNumber or text.
export const idOf = (value: unknown): Id => String(value);

// toNumber returns an id as it is sent to the server.
export function toNumber(id: Id): number | ExactNumber {
  const number = Number(id);
  return Number.isSafeInteger(number) ? number : new ExactNumber(id);
}

// compareIds orders ids by their value.
export function compareIds(a: Id, b: Id): number {
  const difference = Number(a) - Number(b);
  if (difference !== 0 || a === b) return difference;
  return BigInt(a) < BigInt(b) ? -1 : 1; // both round to the same number
}

type Fields = Record<string, unknown>;

const isId = (field: string) => field === 'id' || field.endsWith('_id');

const mapIds = (row: Fields, change: (value: unknown) => unknown): Fields =>
  Object.fromEntries(Object.entries(row).map(([field, value]) => [field, isId(field) && value !== null && value !== undefined ? change(value) : value]));

// withTextIds returns a row from the server with text in its id fields, which are `id` and those that end in `_id`.
export const withTextIds = <Row>(row: unknown): Row => mapIds(row as Fields, idOf) as Row;

// withNumberIds returns a row as it is sent to the server.
export const withNumberIds = (row: Fields): Fields => mapIds(row, (value) => toNumber(value as Id));
