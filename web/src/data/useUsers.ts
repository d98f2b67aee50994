import { useEffect, useState } from 'react';
import { useReconnected } from './online.ts';
import { tableOf, type User } from './tables.ts';

const MOST = 1000;

// useUsers returns all users, for a list to choose from. failed: the server does not list them, or does not answer; after an
// outage they are requested again.
export function useUsers(): { users: User[]; failed: boolean } {
  const [result, setResult] = useState<{ users: User[]; failed: boolean }>({ users: [], failed: false });
  const [turn, setTurn] = useState(0);
  useReconnected(() => { if (result.failed) setTurn(turn + 1); });
  useEffect(() => {
    const gone = new AbortController();
    tableOf('users').list({ limit: MOST, ordering: 'username' }, gone.signal).then(
      ({ rows }) => setResult({ users: rows, failed: false }),
      () => { if (!gone.signal.aborted) setResult({ users: [], failed: true }); },
    );
    return () => gone.abort();
  }, [turn]);
  return result;
}
