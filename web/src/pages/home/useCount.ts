import { useCallback, useEffect, useRef, useState } from 'react';
import { listRows } from '../../data/rows.ts';

const PAUSE = 300; // milliseconds at least between two questions

// useCount asks how many rows of a resource there are, once and whenever something has changed.
// Changes that come in quick succession are asked about together.
export function useCount(resource: string | null) {
  const [count, setCount] = useState<number>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const asked = useRef(-PAUSE);
  const ask = useCallback(() => {
    timer.current = undefined;
    asked.current = performance.now();
    if (resource) listRows(resource, { limit: 1 }).then(({ total }) => setCount(total), () => {}); // the number stays
  }, [resource]);
  const changed = useCallback(() => {
    timer.current ??= setTimeout(ask, Math.max(0, asked.current + PAUSE - performance.now()));
  }, [ask]);
  useEffect(() => {
    ask();
    return () => clearTimeout(timer.current);
  }, [ask]);
  return { count, changed };
}
