import type { ReactNode } from 'react';
import { useLayoutEffect, useState } from 'react';
import type { Client } from 'rowcall';
import { createClient } from 'rowcall';
import { RowcallProvider } from 'rowcall/react';
import { Spinner } from '../ui/Spinner.tsx';
import styles from './client.module.css';
import { useUser } from './user.tsx';

// One socket serves the whole page. It belongs to whoever was logged in when it opened, so another
// user gets another one, and nothing that one was shown is there for the next.
export function Live({ children }: { children: ReactNode }) {
  const { user, ready } = useUser();
  const identity = ready ? (user?.id ?? 0) : null;
  return identity === null ? <Unanswered /> : <Connected key={identity}>{children}</Connected>;
}

function Connected({ children }: { children: ReactNode }) {
  const [client, setClient] = useState<Client | null>(null);
  useLayoutEffect(() => {
    const made = createClient({ url: '/v1/ws' });
    setClient(made);
    return () => made.close();
  }, []);
  return client && <RowcallProvider client={client}>{children}</RowcallProvider>;
}

// Unanswered stands where the pages will be, and is not seen unless the server takes its time.
function Unanswered() {
  return <div className={styles.unanswered}><Spinner label="Waiting for the server. Trying again." /></div>;
}
