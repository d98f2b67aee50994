import { useLive } from 'rowcall/react';
import { Link } from 'wouter';
import { compareIds, type Id, idOf } from '../../data/ids.ts';
import { useUser } from '../../data/user.tsx';
import { Flash } from '../../ui/Flash.tsx';
import styles from './Counters.module.css';
import { EventListeners } from './EventListeners.tsx';
import { useCount } from './useCount.ts';

const PLACES = [
  { to: '/chat', resource: 'messages', label: 'Messages', says: 'in your rooms' },
  { to: '/patients', resource: 'patients', label: 'Patients', says: 'on the ward' },
  { to: '/dams', resource: 'dams', label: 'Dams', says: 'on the map', open: true },
  { to: '/jobs', resource: 'jobs', label: 'Jobs', says: 'yours' },
] as const;

const MOST_ROOMS = 50; // rooms that are followed, the newest ones: a socket has at most a hundred topics

// Counters are links to the applications, each with its present number of rows.
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
  open?: boolean; // visible without a login
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
      {visible && <EventListeners topics={topics} onEvent={changed} />}
    </Link>
  );
}

// useTopics returns the topics whose events may change a number. Staff follow all rooms and jobs, other users their own.
function useTopics(): Record<string, string[]> {
  const { user } = useUser();
  const own = useLive<string, Id[]>({
    topic: user && !user.is_staff ? `user/${user.id}` : null,
    from: (rows: { rooms: { id: unknown }[] }[]) => rows[0]?.rooms.map((r) => idOf(r.id)) ?? [],
    reduce: (ids, { type, data }) => {
      const room = idOf(data.room_id);
      if (type === 'room_joined' || type === 'room_created') return ids.includes(room) ? ids : [...ids, room];
      if (type === 'room_left' || type === 'room_deleted') return ids.filter((id) => id !== room);
      return ids;
    },
  });
  const rooms = (own.state ?? []).toSorted(compareIds).slice(-MOST_ROOMS).map((id) => `room/${id}`);
  return {
    messages: user?.is_staff ? ['room'] : rooms,
    patients: ['patients'],
    dams: ['dams'],
    jobs: user?.is_staff ? ['jobs'] : user ? [`jobs/${user.id}`] : [],
  };
}
