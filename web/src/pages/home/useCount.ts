import { useCallback, useEffect, useRef, useState } from 'react';
import { useReconnected } from '../../data/online.ts';
import { listRows } from '../../data/rows.ts';

const PAUSE = 300; // minimum of milliseconds between two requests

// useCount returns the number of rows of a resource, and a function to call after a change. Changes in quick succession
// cause one request.
export function useCount(resource: string | null) {
  const [count, setCount] = useState<number>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const asked = useRef(-PAUSE);
  const ask = useCallback(() => {
    timer.current = undefined;
    asked.current = performance.now();
    if (resource) listRows(resource, { limit: 1 }).then(({ total }) => setCount(total), () => {}); // after a failure the number stays
  }, [resource]);
  const changed = useCallback(() => {
    timer.current ??= setTimeout(ask, Math.max(0, asked.current + PAUSE - performance.now()));
  }, [ask]);
  useEffect(() => {
    ask();
    return () => clearTimeout(timer.current);
  }, [ask]);
  useReconnected(changed);
  return { count, changed };
}
