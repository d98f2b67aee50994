import { useCallback, useEffect, useRef, useState } from 'react';
import type { Listing } from '../../data/rows.ts';
import { listRows } from '../../data/rows.ts';
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
  listing: (Listing<Row> & { names: Names; query: string }) | null; // null: none has come yet
  error: unknown; // of the last attempt
  busy: boolean; // what is shown is not yet what was asked for
}

// useList reads the part of a resource that its address asks for, and what its rows refer to, again and
// again. What came before stays until the next has come.
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
      const names = await fetchNames(catalog, resource, rows.rows as Row[]);
      if (asked !== current.current) return;
      setListing({ ...rows, rows: rows.rows as Row[], names, query: asked });
      setError(null);
      if (rows.rows.length === 0 && rows.offset > 0) goTo(lastPage(rows.total));
    } catch (problem) {
      if (asked === current.current) setError(problem);
    }
    if (asked === current.current) setShown(asked);
  }, [catalog, resource, goTo]);
  const { ask, now } = useRefresh(read);
  useEffect(() => { now(); }, [now, wanted]);
  return { listing, error, busy: shown !== wanted, ask, now };
}

// useArrivals tells rows that have just come from those that were there: it returns whether a row has been
// shown before, which is so for all rows of a list that was asked for anew.
export function useArrivals(resource: Resource, listing: List['listing']): (row: Row) => boolean {
  const [known, setKnown] = useState<{ query: string; keys: Set<unknown> }>({ query: '', keys: new Set() });
  useEffect(() => {
    if (listing) setKnown({ query: listing.query, keys: new Set(listing.rows.map((row) => keyOf(resource, row))) });
  }, [resource, listing]);
  return (row) => known.query !== listing?.query || known.keys.has(keyOf(resource, row));
}
