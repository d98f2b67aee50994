import { useCallback, useEffect, useRef, useState } from 'react';
import type { Listing } from '../../data/rows.ts';
import { listRows } from '../../data/rows.ts';
import { useReconnected } from '../../data/online.ts';
import { useCatalog } from './catalog.tsx';
import type { Resource, Row } from './describe.ts';
import { keyOf } from './describe.ts';
import type { Names } from './names.ts';
import { fetchNames } from './names.ts';
import type { ListState } from './query.ts';
import { lastPage, queryOf } from './query.ts';
import type { Refresh } from './useRefresh.tsx';
import { useRefresh } from './useRefresh.tsx';

export interface List extends Refresh {
  listing: (Listing<Row> & { names: Names; query: string }) | null; // null: not loaded yet
  error: unknown; // of the last request
  busy: boolean; // the listing belongs to an earlier query
}

// useList loads the rows that the address selects, and the names of the rows that they refer to, and loads them again on
// request. The listing before stays until the next one is loaded.
export function useList(resource: Resource, state: ListState, goTo: (page: number) => void): List {
  const catalog = useCatalog();
  const [listing, setListing] = useState<List['listing']>(null);
  const [error, setError] = useState<unknown>(null);
  const [shown, setShown] = useState('');
  const wanted = JSON.stringify(queryOf(state));
  const current = useRef(wanted);
  current.current = wanted;

  const read = useCallback(async () => {
    const asked = current.current;
    try {
      const rows = await listRows(resource.name, JSON.parse(asked) as ReturnType<typeof queryOf>);
      const names = await fetchNames(catalog, resource, rows.rows);
      if (asked !== current.current) return;
      setListing({ ...rows, names, query: asked });
      setError(null);
      if (rows.rows.length === 0 && rows.offset > 0) goTo(lastPage(rows.total));
    } catch (problem) {
      if (asked === current.current) setError(problem);
    }
    if (asked === current.current) setShown(asked);
  }, [catalog, resource, goTo]);
  const { ask, now } = useRefresh(read);
  useEffect(() => { now(); }, [now, wanted]);
  useReconnected(now);
  return { listing, error, busy: shown !== wanted, ask, now };
}

// useArrivals returns a function that says whether a row was shown before. After a new query all rows count as shown.
export function useArrivals(resource: Resource, listing: List['listing']): (row: Row) => boolean {
  const [known, setKnown] = useState<{ query: string; keys: Set<unknown> }>({ query: '', keys: new Set() });
  useEffect(() => {
    if (listing) setKnown({ query: listing.query, keys: new Set(listing.rows.map((row) => keyOf(resource, row))) });
  }, [resource, listing]);
  return (row) => known.query !== listing?.query || known.keys.has(keyOf(resource, row));
}
