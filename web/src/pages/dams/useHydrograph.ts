import { useCallback, useEffect, useState } from 'react';
import { useTopic } from 'rowcall/react';
import { describe } from '../../data/api.ts';
import { fetchHydrograph, type Hydrograph } from './hydrograph.ts';

export type Loaded = { state: 'loading' } | { state: 'failed'; message: string } | { state: 'here'; hydrograph: Hydrograph | null };

// useHydrograph is a dam's newest hydrograph. It is read again when one is assigned, and when one or
// its points change.
export function useHydrograph(dam: number): [Loaded, again: () => void] {
  const [loaded, setLoaded] = useState<Loaded>({ state: 'loading' });
  const [turn, setTurn] = useState(0);
  const again = useCallback(() => setTurn((n) => n + 1), []);
  const shown = loaded.state === 'here' ? loaded.hydrograph?.id : undefined;
  useTopic('dams', ({ type, data }) => {
    if (type === 'hydrograph.assigned' && (data.dam_id === dam || data.id === shown)) again();
  });
  useTopic('hydrographs', ({ data }) => {
    if (data.dam_id === dam || data.id === shown) again();
  });
  useEffect(() => {
    const gone = new AbortController();
    fetchHydrograph(dam, gone.signal).then(
      (hydrograph) => setLoaded({ state: 'here', hydrograph }),
      (error) => { if (!gone.signal.aborted) setLoaded({ state: 'failed', message: describe(error) }); },
    );
    return () => gone.abort();
  }, [dam, turn]);
  return [loaded, again];
}
