import type { ReactNode } from 'react';
import { useLayoutEffect, useState } from 'react';
import type { Client } from 'rowcall';
import { createClient } from 'rowcall';
import { RowcallProvider } from 'rowcall/react';
import { Spinner } from '../ui/Spinner.tsx';
import styles from './client.module.css';
import { useUser } from './user.tsx';

// Live provides the client of the page. A client belongs to the user who was logged in when it was created: another user gets
// another client, and sees nothing of the state before.
export function Live({ children }: { children: ReactNode }) {
  const { user, ready } = useUser();
  const identity = ready ? (user?.id ?? 0) : null;
  return identity === null ? <Unanswered /> : <Connected key={identity}>{children}</Connected>;
}

function Connected({ children }: { children: ReactNode }) {
  const [client, setClient] = useState<Client | null>(null);
  useLayoutEffect(() => {
    const made = createClient({ url: '/v1/ws', backoff: { max: 5000 } });
    setClient(made);
    return () => made.close();
  }, []);
  return client && <RowcallProvider client={client}>{children}</RowcallProvider>;
}

// Unanswered is shown until the server has answered who is logged in.
function Unanswered() {
  return <div className={styles.unanswered}><Spinner label="Waiting for the server. Trying again." /></div>;
}
