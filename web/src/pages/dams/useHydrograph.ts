import { useCallback, useEffect, useState } from 'react';
import { useTopic } from 'rowcall/react';
import { describe } from '../../data/api.ts';
import { type Id, idOf } from '../../data/ids.ts';
import { useReconnected } from '../../data/online.ts';
import { fetchHydrograph, type Hydrograph } from './hydrograph.ts';

export type Loaded = { state: 'loading' } | { state: 'failed'; message: string } | { state: 'here'; hydrograph: Hydrograph | null };

// useHydrograph returns a dam's newest hydrograph. It is loaded again when a hydrograph of the dam is assigned or changed.
export function useHydrograph(dam: Id): [Loaded, again: () => void] {
  const [loaded, setLoaded] = useState<Loaded>({ state: 'loading' });
  const [turn, setTurn] = useState(0);
  const again = useCallback(() => setTurn((n) => n + 1), []);
  const shown = loaded.state === 'here' ? loaded.hydrograph?.id : undefined;
  const isAbout = (data: { id: unknown; dam_id: unknown }) => idOf(data.dam_id) === dam || idOf(data.id) === shown;
  useTopic('dams', ({ type, data }) => {
    if (type === 'hydrograph.assigned' && isAbout(data)) again();
  });
  useTopic('hydrographs', ({ data }) => {
    if (isAbout(data)) again();
  });
  useEffect(() => {
    const gone = new AbortController();
    fetchHydrograph(dam, gone.signal).then(
      (hydrograph) => setLoaded({ state: 'here', hydrograph }),
      (error) => { if (!gone.signal.aborted) setLoaded({ state: 'failed', message: describe(error) }); },
    );
    return () => gone.abort();
  }, [dam, turn]);
  useReconnected(() => { if (loaded.state === 'failed') again(); });
  return [loaded, again];
}
