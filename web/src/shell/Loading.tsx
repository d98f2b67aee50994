import { useOffline } from '../data/online.ts';
import { Notice } from '../ui/Notice.tsx';
import { Spinner } from '../ui/Spinner.tsx';

// Loading is shown while the files of a page are loaded.
export function Loading() {
  const offline = useOffline();
  if (!offline) return <Spinner />;
  return <Notice tone="warn">This page was not loaded before the connection was lost. It opens as soon as the connection is back.</Notice>;
}
