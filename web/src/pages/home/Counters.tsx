import { useLive } from 'rowcall/react';
import { Link } from 'wouter';
import { useUser } from '../../data/user.tsx';
import { Flash } from '../../ui/Flash.tsx';
import styles from './Counters.module.css';
import { Ears } from './Ears.tsx';
import { useCount } from './useCount.ts';

const PLACES = [
  { to: '/chat', resource: 'messages', label: 'Messages', says: 'in your rooms' },
  { to: '/patients', resource: 'patients', label: 'Patients', says: 'on the ward' },
  { to: '/dams', resource: 'dams', label: 'Dams', says: 'on the map', open: true },
  { to: '/jobs', resource: 'jobs', label: 'Jobs', says: 'yours' },
] as const;

const MOST_ROOMS = 50; // that are listened to, the newest: a socket has room for a hundred topics

// Counters are the ways into the applications, each with how many rows there are right now.
export function Counters() {
  const topics = useTopics();
  const { user } = useUser();
  return (
    <nav className={styles.counters} aria-label="The four applications">
      {PLACES.map((place) => (
        <Counter key={place.to} {...place} topics={topics[place.resource] ?? []} says={user?.is_staff && place.resource !== 'patients' ? 'in total' : place.says} />
      ))}
    </nav>
  );
}

interface CounterProps {
  to: string;
  resource: string;
  label: string;
  says: string;
  open?: boolean; // to those who are not logged in, too
  topics: string[];
}

function Counter({ to, resource, label, says, open, topics }: CounterProps) {
  const { user } = useUser();
  const visible = Boolean(user || open);
  const { count, changed } = useCount(visible ? resource : null);
  return (
    <Link href={to} className={styles.counter}>
      <span className={styles.label}>{label}</span>
      <span className={styles.number}>{visible && count !== undefined ? <Flash value={count}>{count.toLocaleString()}</Flash> : '–'}</span>
      <span className={styles.says}>{visible ? says : 'log in to see'}</span>
      {visible && <Ears topics={topics} hear={changed} />}
    </Link>
  );
}

// useTopics are the topics that tell of the rows that are counted. Staff follow all rooms and jobs,
// others their own.
function useTopics(): Record<string, string[]> {
  const { user } = useUser();
  const own = useLive<string, number[]>({
    topic: user && !user.is_staff ? `user/${user.id}` : null,
    from: (rows: { rooms: { id: number }[] }[]) => rows[0]?.rooms.map((r) => r.id) ?? [],
    reduce: (ids, { type, data }) => {
      if (type === 'room_joined' || type === 'room_created') return ids.includes(data.room_id) ? ids : [...ids, data.room_id];
      if (type === 'room_left' || type === 'room_deleted') return ids.filter((id) => id !== data.room_id);
      return ids;
    },
  });
  const rooms = (own.state ?? []).toSorted((a, b) => a - b).slice(-MOST_ROOMS).map((id) => `room/${id}`);
  return {
    messages: user?.is_staff ? ['room'] : rooms,
    patients: ['patients'],
    dams: ['dams'],
    jobs: user?.is_staff ? ['jobs'] : user ? [`jobs/${user.id}`] : [],
  };
}
