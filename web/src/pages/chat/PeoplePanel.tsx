import { useState } from 'react';
import type { Id } from '../../data/ids.ts';
import { Avatar } from '../../ui/Avatar.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { Button } from '../../ui/Button.tsx';
import { CopyLine } from '../../ui/CopyLine.tsx';
import { LeaveButton } from './LeaveButton.tsx';
import { MemberDialog, type Person } from './MemberDialog.tsx';
import type { People } from './people.ts';
import styles from './PeoplePanel.module.css';
import { WaitingList } from './WaitingList.tsx';

// PeoplePanel lists the members, and for the owner the requests to join.
export function PeoplePanel({ people, me }: { people: People; me: Id }) {
  const [chosen, setChosen] = useState<Person | null>(null);
  const { room, members, waiting, names } = people;
  const owner = room.owner_id === me;
  const nameOf = (id: Id) => names.get(id) ?? 'Unknown user';
  const ids = [room.owner_id, ...[...members].sort((a, b) => nameOf(a).localeCompare(nameOf(b)))];
  return (
    <div className={styles.people}>
      {owner && <WaitingList waiting={waiting} nameOf={nameOf} />}
      <section aria-labelledby="members">
        <h2 id="members" className={styles.title}>Members <Badge>{ids.length}</Badge></h2>
        <ul className={styles.list}>
          {ids.map((id) => (
            <li key={id} className={styles.person}>
              <Avatar name={nameOf(id)} id={id} />
              <span className={styles.name}>{nameOf(id)}{id === me && <span className={styles.you}> you</span>}</span>
              {id === room.owner_id && <Badge tone="accent">Owner</Badge>}
              {owner && id !== me && <Button small variant="quiet" writes aria-label={`Manage ${nameOf(id)}`} onClick={() => setChosen({ id, name: nameOf(id) })}>Manage</Button>}
            </li>
          ))}
        </ul>
      </section>
      {owner && room.join_code && <JoinCode code={room.join_code} />}
      {owner ? <p className={styles.hint}>To leave, transfer the room to a member first.</p> : <div><LeaveButton room={room.id} /></div>}
      <MemberDialog room={room.id} person={chosen} close={() => setChosen(null)} />
    </div>
  );
}

function JoinCode({ code }: { code: string }) {
  return (
    <section aria-labelledby="code">
      <h2 id="code" className={styles.title}>Join code</h2>
      <p className={styles.hint}>Anyone with this code can ask to join. You decide who is admitted.</p>
      <CopyLine text={code} label="the join code" />
    </section>
  );
}
