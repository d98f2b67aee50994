import { useSearchParams } from 'wouter';
import type { Id } from '../../data/ids.ts';
import { useUsers } from '../../data/useUsers.ts';
import { displayName, useUser } from '../../data/user.tsx';
import { Select } from '../../ui/Field.tsx';
import styles from './jobs.module.css';

// WhoseJobs lets staff choose the user whose jobs are shown.
export function WhoseJobs({ whose }: { whose: Id }) {
  const { user } = useUser();
  const [, setParams] = useSearchParams();
  const { users } = useUsers();
  const others = users.filter(({ id }) => id !== user?.id);
  const known = whose === user?.id || others.some(({ id }) => id === whose);
  return (
    <div className={styles.whose}>
      <Select
        label="Jobs of" value={whose}
        onChange={(e) => setParams(e.target.value === user?.id ? {} : { user: e.target.value })}
        options={[
          { value: user!.id, label: 'Me' },
          ...others.map((person) => ({ value: person.id, label: `${displayName(person)} (${person.username})` })),
          ...(known ? [] : [{ value: whose, label: `User ${whose}` }]),
        ]}
      />
    </div>
  );
}
