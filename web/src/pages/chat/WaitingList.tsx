import { useState } from 'react';
import { describe } from '../../data/api.ts';
import { patchRow } from '../../data/rows.ts';
import { Avatar } from '../../ui/Avatar.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { Button } from '../../ui/Button.tsx';
import { useToast } from '../../ui/Toast.tsx';
import type { Waiting } from './people.ts';
import styles from './PeoplePanel.module.css';

// WaitingList is shown to the owner, who decides. What was decided is told by the room's topic.
export function WaitingList({ waiting, nameOf }: { waiting: readonly Waiting[]; nameOf: (id: number) => string }) {
  return (
    <section aria-labelledby="waiting" aria-live="polite">
      <h2 id="waiting" className={styles.title}>Requests to join {waiting.length > 0 && <Badge tone="warn">{waiting.length}</Badge>}</h2>
      {waiting.length === 0 && <p className={styles.hint}>No requests to join.</p>}
      <ul className={styles.list}>
        {waiting.map((w) => <Asks key={w.id} id={w.id} user={w.user} name={nameOf(w.user)} />)}
      </ul>
    </section>
  );
}

function Asks({ id, user, name }: { id: number; user: number; name: string }) {
  const [busy, setBusy] = useState('');
  const toast = useToast();
  const answer = async (status: 'admitted' | 'denied') => {
    setBusy(status);
    try {
      await patchRow('join_requests', id, { status });
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
        <Button small variant="primary" busy={busy === 'admitted'} disabled={busy !== ''} aria-label={`Admit ${name}`} onClick={() => void answer('admitted')}>Admit</Button>
        <Button small busy={busy === 'denied'} disabled={busy !== ''} aria-label={`Deny ${name}`} onClick={() => void answer('denied')}>Deny</Button>
      </span>
    </li>
  );
}
