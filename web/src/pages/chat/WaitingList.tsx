import { useState } from 'react';
import { describe } from '../../data/api.ts';
import type { Id } from '../../data/ids.ts';
import { tableOf } from '../../data/tables.ts';
import { Avatar } from '../../ui/Avatar.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { Button } from '../../ui/Button.tsx';
import { useToast } from '../../ui/Toast.tsx';
import type { Waiting } from './people.ts';
import styles from './PeoplePanel.module.css';

// WaitingList shows the requests to join to the owner, who decides. The room's topic reports the decision.
export function WaitingList({ waiting, nameOf }: { waiting: readonly Waiting[]; nameOf: (id: Id) => string }) {
  return (
    <section aria-labelledby="waiting" aria-live="polite">
      <h2 id="waiting" className={styles.title}>Requests to join {waiting.length > 0 && <Badge tone="warn">{waiting.length}</Badge>}</h2>
      {waiting.length === 0 && <p className={styles.hint}>No requests to join.</p>}
      <ul className={styles.list}>
        {waiting.map((w) => <Request key={w.id} id={w.id} user={w.user} name={nameOf(w.user)} />)}
      </ul>
    </section>
  );
}

function Request({ id, user, name }: { id: Id; user: Id; name: string }) {
  const [busy, setBusy] = useState('');
  const toast = useToast();
  const answer = async (status: 'admitted' | 'denied') => {
    setBusy(status);
    try {
      await tableOf('join_requests').patch(id, { status });
    } catch (error) {
      toast(describe(error), 'bad');
      setBusy('');
    }
  };
  return (
    <li className={styles.person}>
      <Avatar name={name} id={user} />
      <span className={styles.name}>{name}</span>
      <span className={styles.buttons}>
        <Button small variant="primary" writes busy={busy === 'admitted'} disabled={busy !== ''} aria-label={`Admit ${name}`} onClick={() => void answer('admitted')}>Admit</Button>
        <Button small writes busy={busy === 'denied'} disabled={busy !== ''} aria-label={`Deny ${name}`} onClick={() => void answer('denied')}>Deny</Button>
      </span>
    </li>
  );
}
