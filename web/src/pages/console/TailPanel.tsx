import type { FormEvent } from 'react';
import { useId, useMemo, useState } from 'react';
import { useSearchParams } from 'wouter';
import { useUsers } from '../../data/useUsers.ts';
import { displayName, useUser } from '../../data/user.tsx';
import type { Tone } from '../../ui/Badge.tsx';
import { Badge } from '../../ui/Badge.tsx';
import { Button } from '../../ui/Button.tsx';
import { Input, Select } from '../../ui/Field.tsx';
import { Panel } from '../../ui/Panel.tsx';
import { Events } from './Events.tsx';
import styles from './TailPanel.module.css';
import type { Follow, Standing, Tail } from './useTail.ts';
import { MOST, useTail } from './useTail.ts';

const WORDS: Record<Standing, { tone: Tone; word: string }> = {
  off: { tone: 'neutral', word: 'Off' },
  opening: { tone: 'accent', word: 'Opening' },
  live: { tone: 'good', word: 'Live' },
  lost: { tone: 'warn', word: 'Reconnecting' },
  over: { tone: 'bad', word: 'Refused' },
};

export interface TailPanelProps {
  topics: string[]; // suggestions
  chosen: { topic: string; turn: number }; // from the list of topics; turn counts the choices
}

// TailPanel shows the events of a topic as a chosen user receives them. Topic and user are in the page's address.
export function TailPanel({ topics, chosen }: TailPanelProps) {
  const [params, setParams] = useSearchParams();
  const topic = params.get('topic') ?? '';
  const user = params.get('user') ?? '';
  const [turn, setTurn] = useState(0); // counts the starts
  const follow = useMemo<Follow | null>(() => (topic ? { topic, user } : null), [topic, user, turn]);
  const tail = useTail(follow);
  const start = (next: Follow) => {
    setParams(next.user ? { topic: next.topic, user: next.user } : { topic: next.topic }, { replace: true });
    setTurn((n) => n + 1);
  };
  const { tone, word } = WORDS[tail.standing];
  return (
    <Panel flush title="Live tail" actions={<span role="status"><Badge tone={tone}>{word}</Badge></span>}>
      <Choice key={chosen.turn} began={chosen.turn > 0} topics={topics} topic={chosen.topic || topic} user={user} off={!follow} onStart={start} onStop={() => setParams({}, { replace: true })} />
      <Bar tail={tail} following={follow} />
      <Events tail={tail} following={follow} />
    </Panel>
  );
}

interface ChoiceProps {
  began: boolean; // the topic was chosen in the list, so the user field gets the focus
  topics: string[];
  topic: string;
  user: string;
  off: boolean;
  onStart: (follow: Follow) => void;
  onStop: () => void;
}

function Choice({ began, topics, topic: first, user: whose, off, onStart, onStop }: ChoiceProps) {
  const [topic, setTopic] = useState(first);
  const [user, setUser] = useState(whose);
  const list = useId();
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (topic.trim()) onStart({ topic: topic.trim(), user });
  };
  return (
    <form className={styles.choice} onSubmit={submit}>
      <Input label="Topic" value={topic} onChange={(e) => setTopic(e.target.value)} placeholder="dams" list={list} required spellCheck={false} autoCapitalize="off" autoComplete="off" />
      <datalist id={list}>{topics.map((t) => <option key={t} value={t} />)}</datalist>
      <As user={user} onUser={setUser} focus={began} />
      <div className={styles.buttons}>
        <Button type="submit" variant="primary">{off ? 'Follow' : 'Restart'}</Button>
        <Button disabled={off} onClick={onStop}>Stop</Button>
      </div>
    </form>
  );
}

// As chooses the user: from a list if the users are served as a resource, otherwise by id.
function As({ user, onUser, focus }: { user: string; onUser: (user: string) => void; focus: boolean }) {
  const { user: me } = useUser();
  const { users, failed } = useUsers();
  if (failed) return <Input label="As user" value={user} onChange={(e) => onUser(e.target.value)} placeholder="User id; empty: yourself" spellCheck={false} autoComplete="off" />;
  const others = users.filter(({ id }) => id !== me?.id);
  const known = !user || others.some(({ id }) => id === user);
  return (
    <Select
      label="As user" value={user} onChange={(e) => onUser(e.target.value)} autoFocus={focus}
      options={[
        { value: '', label: 'Myself' },
        ...others.map((person) => ({ value: person.id, label: `${displayName(person)} (${person.username})` })),
        ...(known ? [] : [{ value: user, label: `User ${user}` }]),
      ]}
    />
  );
}

// Bar shows the counts, and has the buttons for pausing and clearing. Its height does not change.
function Bar({ tail, following }: { tail: Tail; following: Follow | null }) {
  return (
    <div className={styles.bar}>
      <p className={tail.trouble ? styles.trouble : styles.said} role={tail.trouble ? 'alert' : undefined}>{tail.trouble || saying(tail, following)}</p>
      <div className={styles.buttons}>
        <Button small aria-pressed={tail.paused} disabled={!following} onClick={() => tail.pause(!tail.paused)}>{tail.paused ? 'Resume' : 'Pause'}</Button>
        <Button small disabled={tail.total === 0} onClick={tail.clear}>Clear</Button>
      </div>
    </div>
  );
}

function saying({ total, held, paused, lines }: Tail, following: Follow | null): string {
  if (!following) return `This page keeps the newest ${MOST} events.`;
  const came = `${total.toLocaleString()} ${total === 1 ? 'event' : 'events'}`;
  if (paused) return `${came}; ${held === MOST ? 'the newest ' : ''}${held.toLocaleString()} of them wait until you resume`;
  return total > lines.length ? `${came}; showing the newest ${lines.length}` : came;
}
