import { useClient, useStatus } from 'rowcall/react';
import { useSyncExternalStore } from 'react';

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
