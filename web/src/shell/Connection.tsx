import type { Status } from 'rowcall';
import { useStatus } from 'rowcall/react';
import { useEffect, useRef } from 'react';
import { useUser } from '../data/user.tsx';
import { classes } from '../ui/classes.ts';
import styles from './Connection.module.css';

type State = 'live' | 'coming' | 'away' | 'none';

const WORDS: Record<State, string> = { live: 'Live', coming: 'Reconnecting', away: 'Offline', none: '' };

function stateOf(status: Status): State {
  switch (status) {
    case 'open':
      return 'live';
    case 'connecting':
    case 'waiting':
      return navigator.onLine ? 'coming' : 'away';
    case 'stopped':
    case 'closed':
      return 'away';
    case 'idle':
      return 'none';
  }
}

// Connection shows whether the page receives live updates. The first attempt to connect shows nothing.
export function Connection() {
  const status = useStatus();
  const before = useRef(false);
  if (status === 'open') before.current = true;
  const state = status === 'connecting' && !before.current ? 'none' : stateOf(status);
  useLogin(status);
  return (
    <span className={classes(styles.connection, styles[state])} role="status">
      {state !== 'none' && <><span className={styles.dot} aria-hidden="true" /><span className={styles.word}><span className="visually-hidden">Connection: </span>{WORDS[state]}</span></>}
    </span>
  );
}

// useLogin asks the server who is logged in when the connection is back or was refused: the login may have ended, or the user
// may have become staff.
function useLogin(status: Status) {
  const { refresh } = useUser();
  const opened = useRef(false);
  useEffect(() => {
    const again = status === 'stopped' || (status === 'open' && opened.current);
    if (status === 'open') opened.current = true;
    if (again) refresh().catch(() => {}); // the next connection asks again
  }, [status, refresh]);
}
