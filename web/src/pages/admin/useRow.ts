import { useCallback, useEffect, useState } from 'react';
import { Problem } from '../../data/api.ts';
import { listRows } from '../../data/rows.ts';
import { useReconnected } from '../../data/online.ts';
import { useCatalog } from './catalog.tsx';
import type { Key, Resource, Row } from './describe.ts';
import type { Names } from './names.ts';
import { fetchNames } from './names.ts';
import type { Refresh } from './useRefresh.tsx';
import { useRefresh } from './useRefresh.tsx';

export interface Found extends Refresh {
  row: Row | null; // as it was loaded last
  names: Names;
  gone: boolean; // the row does not exist, or not any more
  error: unknown; // of the last attempt
}

// findRow returns undefined if there is no such row. It requests a list, because a 404 would appear in the browser's
// console.
export async function findRow(resource: Resource, key: Key, signal?: AbortSignal): Promise<Row | undefined> {
  return (await listRows(resource.name, { [resource.key]: key, limit: 1 }, signal)).rows[0];
}

const nothing = { row: null, names: {}, gone: false, error: null };

// useRow loads a row, and loads it again on request.
export function useRow(resource: Resource, key: string): Found {
  const catalog = useCatalog();
  const [found, setFound] = useState<Pick<Found, 'row' | 'names' | 'gone' | 'error'>>(nothing);
  const read = useCallback(async () => {
    try {
      const row = await findRow(resource, key);
      if (row) setFound({ row, names: await fetchNames(catalog, resource, [row]), gone: false, error: null });
      else setFound((before) => ({ ...before, gone: true, error: null }));
    } catch (error) {
      const gone = error instanceof Problem && error.status === 400; // the address contains no valid key
      setFound((before) => ({ ...before, gone: gone || before.gone, error: gone ? null : error }));
    }
  }, [catalog, resource, key]);
  const { ask, now } = useRefresh(read);
  useEffect(() => { now(); }, [now]);
  useReconnected(now);
  return { ...found, ask, now };
}
