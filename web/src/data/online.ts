import { useClient, useStatus } from 'rowcall/react';
import { useEffect, useRef, useSyncExternalStore } from 'react';

// useOffline returns whether the connection is lost, or cannot be opened.
export function useOffline(): boolean {
  const client = useClient();
  const status = useStatus();
  if (status === 'connecting') return client.error !== undefined; // the first attempt does not count
  return status === 'waiting' || status === 'stopped';
}

// useNetwork returns whether the browser has a network.
export function useNetwork(): boolean {
  return useSyncExternalStore(onNetworkChange, () => navigator.onLine);
}

function onNetworkChange(changed: () => void): () => void {
  addEventListener('online', changed);
  addEventListener('offline', changed);
  return () => {
    removeEventListener('online', changed);
    removeEventListener('offline', changed);
  };
}

// useReconnected calls a function each time the connection is open again after it was lost: what failed meanwhile can be tried
// again.
export function useReconnected(call: () => void) {
  const status = useStatus();
  const latest = useRef(call);
  const lost = useRef(false);
  useEffect(() => { latest.current = call; });
  useEffect(() => {
    if (status === 'waiting' || status === 'stopped') lost.current = true;
    if (status !== 'open' || !lost.current) return;
    lost.current = false;
    latest.current();
  }, [status]);
}
