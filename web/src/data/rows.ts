// Tables over REST, and functions of the database: docs/protocol.md, Resources and Functions.
import type { Resources } from './tables.ts';
import { request } from './api.ts';

export interface Listing<Row> {
  total: number;
  limit: number;
  offset: number;
  rows: Row[];
}

export type Query = Record<string, string | number | boolean | readonly (string | number)[] | undefined>;

// The rows of resources that these pages know have their own types; those of others are records.
type RowOf<Name extends string> = Name extends keyof Resources ? Resources[Name] : Record<string, unknown>;

const address = (resource: string, id?: string | number) =>
  `/api/${encodeURIComponent(resource)}${id === undefined ? '' : `/${encodeURIComponent(id)}`}`;

function query(params: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) search.append(name, String(one));
    }
  }
  const text = search.toString();
  return text && `?${text}`;
}

export function listRows<Name extends string>(resource: Name, params: Query = {}, signal?: AbortSignal) {
  return request<Listing<RowOf<Name>>>('GET', address(resource) + query(params), { signal });
}

export function getRow<Name extends string>(resource: Name, id: string | number, signal?: AbortSignal) {
  return request<RowOf<Name>>('GET', address(resource, id), { signal });
}

export function createRow<Name extends string>(resource: Name, row: Partial<RowOf<Name>>) {
  return request<RowOf<Name>>('POST', address(resource), { body: row });
}

// patchRow changes the given fields and leaves the others.
export function patchRow<Name extends string>(resource: Name, id: string | number, fields: Partial<RowOf<Name>>) {
  return request<RowOf<Name>>('PATCH', address(resource, id), { body: fields });
}

export function deleteRow(resource: string, id: string | number) {
  return request<void>('DELETE', address(resource, id));
}

// callFunction runs a function of the database with the given arguments.
export function callFunction<T>(name: string, args: Record<string, unknown> = {}) {
  return request<T>('POST', `/api/functions/${encodeURIComponent(name)}`, { body: args });
}
