// The names of the rows that other rows refer to.
import { listRows } from '../../data/rows.ts';
import type { Catalog } from './catalog.tsx';
import type { Key, Resource, Row } from './describe.ts';
import { keyOf, nameOf } from './describe.ts';

export type Names = Record<string, Record<string, string>>; // by resource, then by key

// fetchNames sends one request for each resource that the rows refer to. A name that cannot be loaded is left out: then the
// key is shown.
export async function fetchNames(catalog: Catalog, of: Resource, rows: Row[], signal?: AbortSignal): Promise<Names> {
  const asked = Object.entries(keysIn(of, rows)).map(async ([name, keys]) => {
    const target = catalog.find(name);
    if (!target || keys.length === 0) return [name, {}] as const;
    const listing = await listRows(name, { [target.key]: keys, limit: keys.length }, signal).catch(() => ({ rows: [] as Row[] }));
    return [name, Object.fromEntries(listing.rows.map((row) => [keyOf(target, row), nameOf(target, row)]))] as const;
  });
  return Object.fromEntries(await Promise.all(asked));
}

// keysIn returns the keys that rows refer to, each once, by resource.
export function keysIn(of: Resource, rows: Row[]): Record<string, Key[]> {
  const found: Record<string, Key[]> = {};
  for (const field of of.fields) {
    if (!field.references) continue;
    const keys = rows.map((row) => row[field.name]).filter((key) => key !== null && key !== undefined).map(String);
    found[field.references.resource] = [...new Set([...(found[field.references.resource] ?? []), ...keys])];
  }
  return found;
}

// topicsOf returns the topics that report changes of a resource and of the rows that it refers to.
export function topicsOf(catalog: Catalog, of: Resource): string[] {
  const targets = of.fields.map((f) => f.references && catalog.find(f.references.resource));
  return [...new Set([of, ...targets].flatMap((r) => r?.topics ?? []))];
}
