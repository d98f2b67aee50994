import { useCallback, useMemo, useState } from 'react';
import type { Key, Resource, Row } from './describe.ts';
import { keyOf } from './describe.ts';

export interface Selection {
  keys: Key[]; // of the selected rows
  has: (row: Row) => boolean;
  toggle: (row: Row) => void;
  all: (chosen: boolean) => void;
}

// useSelection is the selection of rows on a page. It stays while other rows come and go. A row that is not shown any more
// is not selected any more.
export function useSelection(resource: Resource, rows: Row[] | undefined): Selection {
  const [chosen, setChosen] = useState<ReadonlySet<Key>>(new Set());
  const shown = useMemo(() => (rows ?? []).map((row) => keyOf(resource, row)), [resource, rows]);
  const keys = useMemo(() => shown.filter((key) => chosen.has(key)), [shown, chosen]);
  const has = useCallback((row: Row) => chosen.has(keyOf(resource, row)), [resource, chosen]);
  const toggle = useCallback((row: Row) => {
    const key = keyOf(resource, row);
    setChosen((before) => {
      const next = new Set(before);
      if (!next.delete(key)) next.add(key);
      return next;
    });
  }, [resource]);
  const all = useCallback((select: boolean) => setChosen(new Set(select ? shown : [])), [shown]);
  return useMemo(() => ({ keys, has, toggle, all }), [keys, has, toggle, all]);
}
