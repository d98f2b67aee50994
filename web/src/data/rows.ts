// Rows over REST: docs/protocol.md, Resources. Values are as the server sends them; data/tables.ts has the tables of the
// example applications, with text ids.
import { request } from './api.ts';

export type Row = Record<string, unknown>;

export interface Listing<R> {
  total: number;
  limit: number;
  offset: number;
  rows: R[];
}

type Value = string | number | boolean | { toString(): string };

export type Query = Record<string, Value | readonly Value[] | undefined>;

const address = (resource: string, key?: string) =>
  `/api/${encodeURIComponent(resource)}${key === undefined ? '' : `/${encodeURIComponent(key)}`}`;

function query(params: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const single of Array.isArray(value) ? value : [value]) {
      if (single !== undefined) search.append(name, String(single));
    }
  }
  const text = search.toString();
  return text && `?${text}`;
}

export function listRows(resource: string, params: Query = {}, signal?: AbortSignal) {
  return request<Listing<Row>>('GET', address(resource) + query(params), { signal });
}

export function getRow(resource: string, key: string, signal?: AbortSignal) {
  return request<Row>('GET', address(resource, key), { signal });
}

export function createRow(resource: string, row: Row) {
  return request<Row>('POST', address(resource), { body: row });
}

// patchRow changes the given fields and leaves the others.
export function patchRow(resource: string, key: string, fields: Row) {
  return request<Row>('PATCH', address(resource, key), { body: fields });
}

export function deleteRow(resource: string, key: string) {
  return request<void>('DELETE', address(resource, key));
}
