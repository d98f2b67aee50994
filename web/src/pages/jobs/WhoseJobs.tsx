import { useEffect, useState } from 'react';
import { useSearchParams } from 'wouter';
import { listRows } from '../../data/rows.ts';
import type { User } from '../../data/tables.ts';
import { displayName, useUser } from '../../data/user.tsx';
import { Select } from '../../ui/Field.tsx';
import styles from './jobs.module.css';

const most = 1000;

// WhoseJobs lets staff choose whose jobs they look at.
export function WhoseJobs({ whose }: { whose: number }) {
  const { user } = useUser();
  const [, setParams] = useSearchParams();
  const [people, setPeople] = useState<User[]>([]);
  useEffect(() => {
    const gone = new AbortController();
    listRows('users', { limit: most, ordering: 'username' }, gone.signal).then(({ rows }) => setPeople(rows), () => {}); // one's own jobs can be seen all the same
    return () => gone.abort();
  }, []);
  const others = people.filter(({ id }) => id !== user?.id);
  const known = whose === user?.id || others.some(({ id }) => id === whose);
  return (
    <div className={styles.whose}>
      <Select
        label="Jobs of" value={String(whose)}
        onChange={(e) => setParams(e.target.value === String(user?.id) ? {} : { user: e.target.value })}
        options={[
          { value: String(user?.id), label: 'Me' },
          ...others.map((person) => ({ value: String(person.id), label: `${displayName(person)} (${person.username})` })),
          ...(known ? [] : [{ value: String(whose), label: `User ${whose}` }]),
        ]}
      />
    </div>
  );
}
