import { useClient } from 'rowcall/react';
import { useNetwork, useOffline } from '../data/online.ts';
import { Button } from '../ui/Button.tsx';
import styles from './Offline.module.css';

// Offline is the banner below the header while the connection is lost. It covers only the space above a page's title, so that
// nothing moves.
export function Offline() {
  const client = useClient();
  const offline = useOffline();
  const network = useNetwork();
  const { error } = client;
  return (
    <div className={styles.place} role="status">
      {offline && (
        <div className={styles.banner}>
          {client.status === 'stopped' && error
            ? <p>No live updates: {error.message}.</p>
            : <p>{network ? 'The server cannot be reached.' : 'You are offline.'}<span className={styles.more}> This page shows the last known state.</span></p>}
          <Button small variant="quiet" onClick={() => client.reconnect()}>Retry now</Button>
        </div>
      )}
    </div>
  );
}
