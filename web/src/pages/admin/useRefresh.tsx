import { useCallback, useEffect, useMemo, useRef } from 'react';
import { useTopic } from 'rowcall/react';
import type { Coalesced } from './coalesce.ts';
import { coalesce } from './coalesce.ts';

export interface Refresh {
  ask: () => void; // runs soon, together with other requests
  now: () => void; // runs at once
}

// useRefresh runs a function on request, at a limited pace. While the page is hidden it does not run; a request during that
// time is run when the page is shown.
export function useRefresh(run: () => Promise<unknown>): Refresh {
  const latest = useRef(run);
  useEffect(() => { latest.current = run; });
  const pace = useRef<Coalesced | null>(null);
  const missed = useRef(false);
  const ask = useCallback(() => {
    if (document.hidden) missed.current = true;
    else pace.current?.ask();
  }, []);
  const now = useCallback(() => pace.current?.now(), []);
  useEffect(() => {
    const mine = coalesce(() => latest.current());
    pace.current = mine;
    const seen = () => {
      if (document.hidden || !missed.current) return;
      missed.current = false;
      mine.ask();
    };
    document.addEventListener('visibilitychange', seen);
    return () => {
      document.removeEventListener('visibilitychange', seen);
      mine.stop();
    };
  }, []);
  return useMemo(() => ({ ask, now }), [ask, now]);
}

// Follow requests a run after each event of the topics, and when a topic becomes live: earlier events may have been missed.
export function Follow({ topics, ask }: { topics: readonly string[]; ask: (topic: string) => void }) {
  return <>{topics.map((topic) => <Followed key={topic} topic={topic} ask={ask} />)}</>;
}

function Followed({ topic, ask }: { topic: string; ask: (topic: string) => void }) {
  const tell = useCallback(() => ask(topic), [ask, topic]);
  useTopic(topic, tell, { onReset: tell, onStatus: (status) => { if (status === 'live') tell(); } });
  return null;
}
